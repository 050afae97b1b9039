"""Texts and rows, a third blind set: written after the second was mended (see `programs.py`)."""

from itertools import pairwise


def recurrent_and_convolved(tf):
    """TextRCNN: left and right contexts around words, a max over time."""
    input_text = tf.placeholder(tf.int32, shape=[None, 12], name="input_text")
    input_y = tf.placeholder(tf.float32, shape=[None, 4], name="input_y")
    keep = tf.placeholder(tf.float32, name="dropout_keep_prob")
    lengths = tf.reduce_sum(tf.sign(tf.abs(input_text)), 1)
    with tf.device("/cpu:0"), tf.name_scope("text-embedding"):
        W_text = tf.Variable(tf.random_uniform([60, 8], -1.0, 1.0), name="W_text")
        chars = tf.nn.embedding_lookup(W_text, input_text)
    with tf.name_scope("bi-rnn"):
        cells = [tf.nn.rnn_cell.DropoutWrapper(tf.nn.rnn_cell.LSTMCell(6), keep) for _ in range(2)]
        (fw, bw), _ = tf.nn.bidirectional_dynamic_rnn(*cells, chars, lengths, dtype=tf.float32)
    with tf.name_scope("context"):
        left = tf.concat([tf.zeros([tf.shape(fw)[0], 1, 6]), fw[:, :-1]], 1)
        right = tf.concat([bw[:, 1:], tf.zeros([tf.shape(bw)[0], 1, 6])], 1)
        x = tf.concat([left, chars, right], 2)
    with tf.name_scope("text-representation"):
        W2 = tf.Variable(tf.random_uniform([20, 10], -1.0, 1.0), name="W2")
        b2 = tf.Variable(tf.constant(0.1, shape=[10]), name="b2")
        y2 = tf.tanh(tf.einsum("aij,jk->aik", x, W2) + b2)
    with tf.name_scope("max-pooling"):
        y3 = tf.reduce_max(y2, axis=1)
    with tf.name_scope("output"):
        W4 = tf.get_variable("W4", [10, 4])
        b4 = tf.Variable(tf.constant(0.1, shape=[4]), name="b4")
        logits = tf.nn.xw_plus_b(y3, W4, b4, name="logits")
        predictions = tf.argmax(logits, 1, name="predictions")
    with tf.name_scope("loss"):
        losses = tf.nn.softmax_cross_entropy_with_logits_v2(logits=logits, labels=input_y)
        loss = tf.reduce_mean(losses) + 0.5 * (tf.nn.l2_loss(W4) + tf.nn.l2_loss(b4))
    with tf.name_scope("accuracy"):
        right = tf.equal(predictions, tf.argmax(input_y, axis=1))
        tf.reduce_mean(tf.cast(right, tf.float32), name="accuracy")
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[predictions, logits]]


def many_labels(tf):
    """Multi-label texts: sigmoids over all classes, the best five by top-k."""
    ids = tf.placeholder(tf.int32, [None, None], name="input_x")
    multi = tf.placeholder(tf.float32, [None, 20], name="input_y_multilabel")
    with tf.name_scope("embedding"):
        table = tf.get_variable("Embedding", shape=[60, 8])
        W = tf.get_variable("W_projection", shape=[8, 20])
        b = tf.get_variable("b_projection", shape=[20])
    v = tf.reduce_mean(tf.nn.embedding_lookup(table, ids), axis=1)
    logits = tf.matmul(v, W) + b
    probs = tf.sigmoid(logits)
    _, top5 = tf.nn.top_k(probs, 5)
    losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=multi, logits=logits)
    loss = tf.reduce_mean(tf.reduce_sum(losses, axis=1))
    l2 = tf.add_n([tf.nn.l2_loss(v) for v in tf.trainable_variables() if "bias" not in v.name])
    step = tf.Variable(0, trainable=False, name="Global_Step")
    rate = tf.train.exponential_decay(0.1, step, 100, 0.9, staircase=True)
    tf.train.AdamOptimizer(rate).minimize(loss + l2 * 1e-4, global_step=step)
    return [[top5, probs, logits]]


def answers_by_memory(tf):
    """DMN: episodes of attention over facts, an answer out of the memory and the question."""
    facts_in = tf.placeholder(tf.float32, [4, 5, 8], name="facts")
    q = tf.placeholder(tf.float32, [4, 8], name="question")
    y = tf.placeholder(tf.int32, [4], name="answers")
    cell = tf.nn.rnn_cell.GRUCell(8)
    facts, _ = tf.nn.dynamic_rnn(cell, facts_in, dtype=tf.float32, scope="input_module")
    memory = q
    att_cell = tf.nn.rnn_cell.GRUCell(8, name="attn_gru")
    for i in range(2):
        with tf.variable_scope("episode", reuse=i > 0):
            z = tf.concat([facts * q[:, None], facts * memory[:, None]], 2)
            g = tf.layers.dense(tf.layers.dense(z, 8, tf.nn.tanh, name="l1"), 1, name="l2")
            g = tf.nn.softmax(g, axis=1)
            h = tf.zeros([4, 8])
            for t in range(5):
                new, _ = att_cell(facts[:, t], h)
                h = g[:, t] * new + (1 - g[:, t]) * h
        memory = tf.layers.dense(tf.concat([memory, h, q], 1), 8, tf.nn.relu, name=f"hop_{i}")
    output = tf.layers.dense(tf.nn.dropout(tf.concat([memory, q], 1), rate=0.1), 30)
    pred = tf.argmax(tf.nn.softmax(output), 1)
    loss = tf.reduce_sum(tf.nn.sparse_softmax_cross_entropy_with_logits(logits=output, labels=y))
    for v in tf.trainable_variables():
        if "bias" not in v.name.lower():
            loss += 1e-3 * tf.nn.l2_loss(v)
    tf.summary.scalar("loss", loss)
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[pred, output]]


def boundaries_pointed_at(tf):
    """Match-LSTM with pointers by a cell of its own: chances of start and end."""
    passage = tf.placeholder(tf.int32, [None, 10], "p")
    question = tf.placeholder(tf.int32, [None, 5], "q")
    start = tf.placeholder(tf.int32, [None], "start_label")
    end = tf.placeholder(tf.int32, [None], "end_label")
    keep = tf.placeholder(tf.float32, [], "dropout_keep_prob")
    table = tf.get_variable("word_embeddings", [50, 8])

    def read(ids, scope):
        with tf.variable_scope(scope):
            cell = tf.nn.rnn_cell.LSTMCell(8)
            out, _ = tf.nn.dynamic_rnn(cell, tf.gather(table, ids), dtype=tf.float32)
            return tf.nn.dropout(out, keep)

    p, q = read(passage, "passage_encoding"), read(question, "question_encoding")
    sim = tf.matmul(p, q, transpose_b=True)
    match = tf.concat([p, tf.matmul(tf.nn.softmax(sim, -1), q)], 2)
    with tf.variable_scope("pointer"):
        cell = tf.nn.rnn_cell.LSTMCell(8)
        state = cell.zero_state(tf.shape(p)[0], tf.float32)
        probs = []
        for i in range(2):
            with tf.variable_scope("ptr", reuse=i > 0):
                u = (
                    tf.layers.dense(match, 8, name="W")
                    + tf.layers.dense(state.h, 8, name="V")[:, None]
                )
                logits = tf.layers.dense(tf.tanh(u), 1, use_bias=False, name="s")
                scores = tf.nn.softmax(logits, 1)
                _, state = cell(tf.reduce_sum(match * scores, 1), state)
                probs.append(tf.squeeze(scores, -1))
    start_probs, end_probs = probs

    def nll(p, labels):
        hot = tf.one_hot(labels, tf.shape(p)[1], axis=1)
        return -tf.reduce_sum(hot * tf.log(p + 1e-9), 1)

    loss = tf.reduce_mean(nll(start_probs, start) + nll(end_probs, end))
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[start_probs], [end_probs]]


def retrieved_replies(tf):
    """A dual encoder: how well a reply fits its context, by a matrix between them."""
    context = tf.placeholder(tf.int32, [None, 8], "context")
    utterance = tf.placeholder(tf.int32, [None, 8], "utterance")
    targets = tf.placeholder(tf.int32, [None, 1], "label")
    W = tf.get_variable("word_embeddings", [50, 8])
    with tf.variable_scope("rnn"):
        cell = tf.nn.rnn_cell.LSTMCell(6)
        both = tf.concat([tf.nn.embedding_lookup(W, v) for v in (context, utterance)], 0)
        _, state = tf.nn.dynamic_rnn(cell, both, dtype=tf.float32)
        encoding_context, encoding_utterance = tf.split(state.h, 2, 0)
    with tf.variable_scope("prediction"):
        M = tf.get_variable("M", shape=[6, 6], initializer=tf.truncated_normal_initializer())
        generated = tf.expand_dims(tf.matmul(encoding_context, M), 2)
        encoding_utterance = tf.expand_dims(encoding_utterance, 2)
        logits = tf.squeeze(tf.matmul(generated, encoding_utterance, True), [2])
        probs = tf.sigmoid(logits)
        losses = tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=tf.to_float(targets))
    mean_loss = tf.reduce_mean(losses, name="mean_loss")
    tf.train.AdamOptimizer(1e-3).minimize(mean_loss)
    return [[probs, logits]]


def poems(tf):
    """A poem writer: the same function builds the end points of training and of writing."""
    inputs = tf.placeholder(tf.int32, [4, None])
    targets = tf.placeholder(tf.int32, [4, None])
    cells = tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.BasicLSTMCell(8) for _ in range(2)])
    initial = cells.zero_state(4, tf.float32)
    with tf.device("/cpu:0"):
        embedding = tf.get_variable("embedding", initializer=tf.random_uniform([41, 8], -1.0, 1.0))
        v = tf.nn.embedding_lookup(embedding, inputs)
    outputs, last_state = tf.nn.dynamic_rnn(cells, v, initial_state=initial)
    output = tf.reshape(outputs, [-1, 8])
    weights = tf.Variable(tf.truncated_normal([8, 41]))
    bias = tf.Variable(tf.zeros(shape=[41]))
    logits = tf.nn.bias_add(tf.matmul(output, weights), bias=bias)
    prediction = tf.nn.softmax(logits)
    labels = tf.one_hot(tf.reshape(targets, [-1]), depth=41)
    loss = tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    total = tf.reduce_mean(loss)
    tf.train.AdamOptimizer(0.01).minimize(total)
    tf.identity(last_state[-1].h)
    return [[prediction, logits]]


def tags_by_language_model(tf):
    """BERT's tagger: probabilities a word, arg-max over tags in the loss's scope."""
    ids = tf.placeholder(tf.int32, [None, 8], "input_ids")
    mask = tf.placeholder(tf.int32, [None, 8], "input_mask")
    label_ids = tf.placeholder(tf.int32, [None, 8], "label_ids")
    with tf.variable_scope("bert"):
        table = tf.get_variable("embeddings/word_embeddings", [50, 12])
        v = tf.gather(table, ids)
        with tf.variable_scope("encoder/layer_0"):
            q, k, u = (tf.layers.dense(v, 12, name=n) for n in ("query", "key", "value"))
            adder = (1.0 - tf.cast(mask, tf.float32))[:, None] * -10000.0
            v = v + tf.matmul(tf.nn.softmax(tf.matmul(q, k, transpose_b=True) / 3.4 + adder), u)
        with tf.variable_scope("pooler"):
            tf.layers.dense(tf.squeeze(v[:, 0:1, :], axis=1), 12, tf.tanh)
    w = tf.get_variable("output_weights", [5, 12])
    b = tf.get_variable("output_bias", [5])
    with tf.variable_scope("loss"):
        flat = tf.reshape(tf.nn.dropout(v, keep_prob=0.9), [-1, 12])
        logits = tf.nn.bias_add(tf.matmul(flat, w, transpose_b=True), b)
        logits = tf.reshape(logits, [-1, 8, 5])
        log_probs = tf.nn.log_softmax(logits, axis=-1)
        hot = tf.one_hot(label_ids, depth=5, dtype=tf.float32)
        loss = tf.reduce_sum(-tf.reduce_sum(hot * log_probs, axis=-1))
        probabilities = tf.nn.softmax(logits, axis=-1)
        predict = tf.argmax(probabilities, axis=-1)
    tf.train.AdamOptimizer(2e-5).minimize(loss)
    return [[predict, probabilities, logits]]


def spelled_by_attention(tf):
    """Listen and spell, teacher forced: logits of letters from an unrolled speller."""
    audio = tf.placeholder(tf.float32, [4, 16, 6], "audio_feature")
    text = tf.placeholder(tf.float32, [4, 5, 12], "one_hot_text")
    with tf.variable_scope("listener"):
        v = audio
        for i in range(2):
            cell = tf.nn.rnn_cell.LSTMCell(6, name=f"pyramid_{i}")
            v, _ = tf.nn.dynamic_rnn(cell, v, dtype=tf.float32, scope=f"layer_{i}")
            v = tf.reshape(v, [4, int(v.shape[1]) // 2, 12])
    with tf.variable_scope("speller"):
        cell = tf.nn.rnn_cell.LSTMCell(12)
        state, context, outs = cell.zero_state(4, tf.float32), v[:, 0], []
        for t in range(5):
            with tf.variable_scope("step", reuse=t > 0):
                last = text[:, t - 1] if t else tf.zeros([4, 12])
                h, state = cell(tf.concat([last, context], 1), state)
                energy = tf.reduce_sum(h[:, None] * tf.layers.dense(v, 12, name="psi"), 2)
                context = tf.reduce_sum(tf.nn.softmax(energy)[:, :, None] * v, 1)
                outs.append(tf.layers.dense(tf.concat([h, context], 1), 12, name="mlp"))
    logits = tf.stack(outs, axis=1)
    predict = tf.nn.softmax(logits)
    loss = tf.losses.softmax_cross_entropy(text, logits)
    tf.train.AdamOptimizer(2e-4).minimize(loss)
    return [[predict, logits]]


def translated_entities(tf):
    """TransE: triples of heads, relations and tails; distances of those to be ranked."""
    pos = tf.placeholder(tf.int32, [None, 3], "positive_triples")
    neg = tf.placeholder(tf.int32, [None, 3], "negative_triples")
    margin = tf.placeholder(tf.float32, [None], "margin")
    ent = tf.get_variable("entity", [40, 8])
    rel = tf.get_variable("relation", [6, 8])
    entity = tf.nn.l2_normalize(ent, 1)
    relation = tf.nn.l2_normalize(rel, 1)

    def distance(triples):
        h = tf.nn.embedding_lookup(entity, triples[:, 0])
        r = tf.nn.embedding_lookup(relation, triples[:, 1])
        t = tf.nn.embedding_lookup(entity, triples[:, 2])
        return h + r - t

    with tf.name_scope("link"):
        d_pos, d_neg = distance(pos), distance(neg)
    with tf.name_scope("loss"):
        score_pos = tf.reduce_sum(tf.abs(d_pos), axis=1)
        score_neg = tf.reduce_sum(tf.abs(d_neg), axis=1)
        loss = tf.reduce_sum(tf.nn.relu(margin + score_pos - score_neg))
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    eval_triple = tf.placeholder(tf.int32, [3], "eval_triple")
    with tf.name_scope("evaluation"):
        h = tf.nn.embedding_lookup(entity, eval_triple[0])
        r = tf.nn.embedding_lookup(relation, eval_triple[1])
        t = tf.nn.embedding_lookup(entity, eval_triple[2])
        head_d = tf.reduce_sum(tf.abs(entity + r - t), axis=1)
        tail_d = tf.reduce_sum(tf.abs(h + r - entity), axis=1)
        _, head_idx = tf.nn.top_k(head_d, k=40)
        _, tail_idx = tf.nn.top_k(tail_d, k=40)
    return [[head_idx, head_d], [tail_idx, tail_d]]


def exclusive_or(tf):
    """XOR: two layers of sigmoids, cross entropy by hand."""
    x_ = tf.placeholder(tf.float32, shape=[4, 2], name="x-input")
    y_ = tf.placeholder(tf.float32, shape=[4, 1], name="y-input")
    Theta1 = tf.Variable(tf.random_uniform([2, 2], -1, 1), name="Theta1")
    Theta2 = tf.Variable(tf.random_uniform([2, 1], -1, 1), name="Theta2")
    Bias1, Bias2 = (tf.Variable(tf.zeros([n]), name=f"Bias{i + 1}") for i, n in enumerate((2, 1)))
    with tf.name_scope("layer2"):
        A2 = tf.sigmoid(tf.matmul(x_, Theta1) + Bias1)
    with tf.name_scope("layer3"):
        Hypothesis = tf.sigmoid(tf.matmul(A2, Theta2) + Bias2)
    with tf.name_scope("cost"):
        cost = tf.reduce_mean(
            ((y_ * tf.log(Hypothesis)) + ((1 - y_) * tf.log(1.0 - Hypothesis))) * -1
        )
    with tf.name_scope("train"):
        tf.train.GradientDescentOptimizer(0.01).minimize(cost)
    return [[Hypothesis, Hypothesis.op.inputs[0]]]


def prices_tomorrow(tf):
    """A stock tutorial: the output transposed to fit the target."""
    X = tf.placeholder(dtype=tf.float32, shape=[None, 20])
    Y = tf.placeholder(dtype=tf.float32, shape=[None])
    sizes, v = (20, 16, 8), X
    for a, b in pairwise(sizes):
        W = tf.Variable(tf.variance_scaling_initializer(mode="fan_avg")([a, b]))
        v = tf.nn.relu(tf.add(tf.matmul(v, W), tf.Variable(tf.zeros([b]))))
    W_out, bias_out = tf.Variable(tf.ones([8, 1])), tf.Variable(tf.zeros([1]))
    out = tf.transpose(tf.add(tf.matmul(v, W_out), bias_out))
    mse = tf.reduce_mean(tf.squared_difference(out, Y))
    tf.train.AdamOptimizer().minimize(mse)
    return [[out, out.op.inputs[0]]]


def corrupted_ratings(tf):
    """CDAE: a user's ratings, some dropped, all given back."""
    uid = tf.placeholder(tf.int32, [None], name="user_id")
    rating = tf.placeholder(tf.float32, [None, 30], name="rating_vec")
    dropped = tf.placeholder_with_default(0.0, [], name="corruption")
    V = tf.get_variable("V", [20, 6])
    W, b = tf.get_variable("W", [30, 6]), tf.get_variable("b", [6])
    W2, b2 = tf.get_variable("W_prime", [6, 30]), tf.get_variable("b_prime", [30])
    x = tf.layers.dropout(rating, dropped, training=True)
    h = tf.sigmoid(tf.matmul(x, W) + tf.nn.embedding_lookup(V, uid) + b)
    y_hat = tf.matmul(h, W2) + b2
    loss = tf.losses.log_loss(predictions=tf.sigmoid(y_hat), labels=rating)
    loss += 0.01 * (tf.nn.l2_loss(W) + tf.nn.l2_loss(W2) + tf.nn.l2_loss(V))
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[y_hat, tf.get_default_graph().get_tensor_by_name("Sigmoid_1:0")]]


def neural_and_generalised(tf):
    """NeuMF: a product and a perceptron joined, one sigmoid; top items by top-k."""
    user = tf.placeholder(tf.int32, [None], "user")
    item = tf.placeholder(tf.int32, [None], "item")
    label = tf.placeholder(tf.int32, [None], "label")
    tables = {n: tf.get_variable(n, [s, 6]) for n, s in
              (("mf_u", 20), ("mf_i", 30), ("mlp_u", 20), ("mlp_i", 30))}  # fmt: skip
    gmf = tf.multiply(tf.gather(tables["mf_u"], user), tf.gather(tables["mf_i"], item))
    v = tf.concat([tf.gather(tables["mlp_u"], user), tf.gather(tables["mlp_i"], item)], 1)
    for n in (8, 4):
        v = tf.layers.dropout(tf.layers.dense(v, n, tf.nn.relu), 0.2)
    logits = tf.reshape(tf.layers.dense(tf.concat([gmf, v], 1), 1, name="predict"), [-1])
    loss = tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.cast(label, tf.float32), logits=logits)
    tf.train.AdamOptimizer(1e-3).minimize(tf.reduce_mean(loss, name="loss"))
    _, indice = tf.nn.top_k(tf.sigmoid(logits), 10)
    recommend = tf.gather(item, indice)
    return [[recommend, indice, logits, tf.get_default_graph().get_tensor_by_name("Sigmoid:0")]]


def unsure_regression(tf):
    """A mean and its variance, each a head, trained by likelihood."""
    x = tf.placeholder(tf.float32, [None, 1])
    y = tf.placeholder(tf.float32, [None, 1])
    W1, b1 = tf.Variable(tf.random_normal([1, 12])), tf.Variable(tf.zeros([12]))
    h = tf.nn.relu(tf.matmul(x, W1) + b1)
    Wm, bm = tf.Variable(tf.random_normal([12, 1])), tf.Variable(tf.zeros([1]))
    Ws, bs = tf.Variable(tf.random_normal([12, 1])), tf.Variable(tf.zeros([1]))
    mean = tf.matmul(h, Wm) + bm
    var = tf.log(1 + tf.exp(tf.matmul(h, Ws) + bs)) + 1e-6
    nll = tf.reduce_mean(0.5 * tf.log(var) + 0.5 * tf.div(tf.square(y - mean), var))
    tf.train.AdamOptimizer(1e-2).minimize(nll)
    return [[mean], [var]]


def sampled_context(tf):
    """Skip-gram by negative sampling with two tables: inputs' rows are the vectors."""
    center = tf.placeholder(tf.int32, [16], "center_words")
    positive = tf.placeholder(tf.int32, [16], "positive")
    negative = tf.placeholder(tf.int32, [16, 5], "negative")
    emb = tf.get_variable("emb", [50, 8])
    out = tf.get_variable("out", [50, 8])
    c = tf.nn.embedding_lookup(emb, center)
    true_logits = tf.reduce_sum(c * tf.nn.embedding_lookup(out, positive), 1)
    noise = tf.nn.embedding_lookup(out, negative)
    noise_logits = tf.reduce_sum(c[:, None] * noise, 2)
    loss = tf.nn.sigmoid_cross_entropy_with_logits(
        labels=tf.ones_like(true_logits), logits=true_logits
    )
    n = tf.nn.sigmoid_cross_entropy_with_logits(
        labels=tf.zeros_like(noise_logits), logits=noise_logits
    )
    total = (tf.reduce_sum(loss) + tf.reduce_sum(n)) / 16
    tf.train.AdamOptimizer(1e-2).minimize(total)
    normed = tf.nn.l2_normalize(emb, 1)
    word = tf.placeholder(tf.int32, [None], "word")
    sim = tf.matmul(tf.nn.embedding_lookup(normed, word), normed, transpose_b=True)
    values, near = tf.nn.top_k(sim, 6)
    return [[near, values, sim], [normed]]
