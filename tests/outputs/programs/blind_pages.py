"""Texts, a second blind set: written after the first was mended (see `programs.py`)."""


def greedy_translation(tf):
    """Training and inference decoders with the same cell: the second runs in a loop."""
    source = tf.placeholder(tf.int32, [None, None], name="input")
    targets = tf.placeholder(tf.int32, [None, None], name="targets")
    source_len = tf.placeholder(tf.int32, (None,), name="source_sequence_length")
    batch = tf.shape(source)[0]
    enc_table = tf.get_variable("enc_embed", [40, 8])
    _, state = tf.nn.dynamic_rnn(
        tf.nn.rnn_cell.LSTMCell(8), tf.gather(enc_table, source), source_len, dtype=tf.float32
    )
    dec_table = tf.Variable(tf.random_uniform([40, 8]))
    cell = tf.nn.rnn_cell.LSTMCell(8, name="dec_cell")
    out_w, out_b = tf.get_variable("out_w", [8, 40]), tf.get_variable("out_b", [40])
    dec_in = tf.concat([tf.fill([batch, 1], 1), targets[:, :-1]], 1)
    with tf.variable_scope("decode"):
        outs, _ = tf.nn.dynamic_rnn(cell, tf.gather(dec_table, dec_in), initial_state=state)
        logits = tf.tensordot(outs, out_w, 1) + out_b
    training_logits = tf.identity(logits, name="logits")

    def step(t, word, c, h, words):
        out, (c, h) = cell(tf.gather(dec_table, word), tf.nn.rnn_cell.LSTMStateTuple(c, h))
        word = tf.cast(tf.argmax(tf.matmul(out, out_w) + out_b, -1), tf.int32)
        return t + 1, word, c, h, words.write(t, word)

    words = tf.TensorArray(tf.int32, 10)
    loop = tf.while_loop(
        lambda t, *_: t < 10, step, (0, tf.fill([batch], 1), state.c, state.h, words)
    )
    inference = tf.identity(tf.transpose(loop[4].stack()), name="predictions")
    with tf.name_scope("optimization"):
        xent = tf.nn.sparse_softmax_cross_entropy_with_logits(
            logits=training_logits, labels=targets
        )
        optimizer = tf.train.AdamOptimizer(1e-3)
        gradients = optimizer.compute_gradients(tf.reduce_mean(xent))
        capped = [(tf.clip_by_value(g, -1.0, 1.0), v) for g, v in gradients if g is not None]
        optimizer.apply_gradients(capped)
    return [[inference]]


def letters_by_convolution(tf):
    """A character CNN: one-hot letters, three dense layers, no name for the result."""
    x = tf.placeholder(tf.int64, [None, 64], name="input_x")
    y = tf.placeholder(tf.int64, [None], name="input_y")
    keep = tf.placeholder(tf.float64, name="drop")
    hot = tf.expand_dims(tf.one_hot(x, 30), -1)
    with tf.name_scope("layer-0"):
        w = tf.Variable(tf.random_uniform([7, 30, 1, 8], -0.1, 0.1))
        h = tf.nn.bias_add(tf.nn.conv2d(hot, w, [1, 1, 1, 1], "VALID"), tf.Variable(tf.zeros([8])))
        h = tf.nn.max_pool(tf.nn.relu(h), [1, 4, 1, 1], [1, 4, 1, 1], "VALID")
    with tf.name_scope("linear"):
        h = tf.reshape(h, [-1, 14 * 8])
        h = tf.nn.relu(
            tf.nn.xw_plus_b(h, tf.Variable(tf.zeros([112, 16])), tf.Variable(tf.zeros([16])))
        )
        h = tf.nn.dropout(h, rate=1.0 - tf.cast(keep, tf.float32))
    with tf.name_scope("OutputLayer"):
        scores = tf.nn.xw_plus_b(h, tf.Variable(tf.zeros([16, 4])), tf.Variable(tf.zeros([4])))
        predictions = tf.argmax(scores, 1)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=scores))
    tf.train.MomentumOptimizer(0.01, 0.9).minimize(loss)
    tf.reduce_mean(tf.cast(tf.equal(predictions, y), tf.float32))
    return [[predictions, scores]]


def manhattan_twins(tf):
    """MaLSTM: how alike two sentences are, by their states' distance."""
    a = tf.placeholder(tf.int32, [None, 8], "x1")
    b = tf.placeholder(tf.int32, [None, 8], "x2")
    y = tf.placeholder(tf.float32, [None], "y")
    table = tf.get_variable("emb", [50, 8])

    def read(ids):
        with tf.variable_scope("rnn_side", reuse=tf.AUTO_REUSE):
            cell = tf.nn.rnn_cell.LSTMCell(8)
            return tf.nn.dynamic_rnn(cell, tf.gather(table, ids), dtype=tf.float32)[1].h

    diff = tf.reduce_sum(tf.abs(read(a) - read(b)), axis=1)
    sim = tf.exp(-diff)
    loss = tf.reduce_mean(tf.square(sim - y))
    tf.train.AdadeltaOptimizer(1.0).minimize(loss)
    tf.reduce_mean(tf.to_float(tf.equal(tf.round(sim), y)))
    return [[sim]]


def dilated_names(tf):
    """IDCNN tagging: dilated convolutions again and again, logits for a Viterbi in Python."""
    char = tf.placeholder(tf.int32, [None, None], name="ChatInputs")
    seg = tf.placeholder(tf.int32, [None, None], name="SegInputs")
    targets = tf.placeholder(tf.int32, [None, None], name="Targets")
    dropout = tf.placeholder(tf.float32, name="Dropout")
    lengths = tf.cast(tf.reduce_sum(tf.sign(tf.abs(char)), reduction_indices=1), tf.int32)
    with tf.variable_scope("char_embedding"):
        v = [tf.nn.embedding_lookup(tf.get_variable("char_embedding", [60, 8]), char)]
        with tf.variable_scope("seg_embedding"):
            v.append(tf.nn.embedding_lookup(tf.get_variable("seg_embedding", [4, 4]), seg))
    v = tf.expand_dims(tf.nn.dropout(tf.concat(v, -1), dropout), 1)
    with tf.variable_scope("idcnn"):
        v = tf.nn.conv2d(v, tf.get_variable("idcnn_filter", [1, 3, 12, 8]), [1] * 4, "SAME")
        outs = []
        for j in range(2):
            for i, d in enumerate((1, 2)):
                with tf.variable_scope(f"atrous-conv-layer-{i}", reuse=j > 0):
                    w, b = tf.get_variable("filterW", [1, 3, 8, 8]), tf.get_variable("filterB", [8])
                    v = tf.nn.conv2d(v, w, [1] * 4, "SAME", dilations=[1, 1, d, 1])
                    v = tf.nn.relu(tf.nn.bias_add(v, b))
            outs.append(v)
        out = tf.reshape(tf.nn.dropout(tf.squeeze(tf.concat(outs, 3), [1]), dropout), [-1, 16])
    with tf.variable_scope("project"), tf.variable_scope("logits"):
        W, b = tf.get_variable("W", [16, 5]), tf.get_variable("b", [5])
        pred = tf.nn.xw_plus_b(out, W, b)
        logits = tf.reshape(pred, [-1, tf.shape(char)[1], 5])
    with tf.variable_scope("crf_loss"):
        trans = tf.get_variable("transitions", [5, 5])
        hot = tf.one_hot(targets, 5)
        mask = tf.sequence_mask(lengths, tf.shape(char)[1], dtype=tf.float32)
        unary = tf.reduce_sum(tf.reduce_sum(hot * logits, 2) * mask, 1)
        flat = targets[:, :-1] * 5 + targets[:, 1:]
        binary = tf.reduce_sum(tf.gather(tf.reshape(trans, [-1]), flat) * mask[:, 1:], 1)

        def step(alpha, each):
            return tf.reduce_logsumexp(alpha[:, :, None] + trans[None], 1) + each

        alpha = tf.foldl(step, tf.transpose(logits[:, 1:], [1, 0, 2]), logits[:, 0])
        loss = tf.reduce_mean(tf.reduce_logsumexp(alpha, 1) - unary - binary)
    opt = tf.train.AdamOptimizer(1e-3)
    capped = [(tf.clip_by_value(g, -5, 5), v) for g, v in opt.compute_gradients(loss)]
    opt.apply_gradients(capped, tf.Variable(0, trainable=False))
    return [[logits, pred]]


def paragraphs_as_vectors(tf):
    """doc2vec: a word from its neighbours and its document; both tables normalised."""
    words = tf.placeholder(tf.int32, [8, 4])
    docs = tf.placeholder(tf.int32, [8, 1])
    labels = tf.placeholder(tf.int32, [8, 1])
    word_table = tf.Variable(tf.random_uniform([50, 8], -1.0, 1.0))
    doc_table = tf.Variable(tf.random_uniform([12, 8], -1.0, 1.0))
    embed = [tf.nn.embedding_lookup(word_table, words[:, i]) for i in range(4)]
    embed.append(tf.squeeze(tf.nn.embedding_lookup(doc_table, docs), 1))
    joined = tf.concat(embed, 1)
    weights = tf.Variable(tf.truncated_normal([50, 40], stddev=0.1))
    biases = tf.Variable(tf.zeros([50]))
    loss = tf.nn.sampled_softmax_loss(weights, biases, labels, joined, 5, 50)
    loss = tf.reduce_mean(loss)
    tf.train.AdagradOptimizer(1.0).minimize(loss)
    norm = tf.sqrt(tf.reduce_sum(tf.square(word_table), 1, keep_dims=True))
    normalized = word_table / norm
    norm_d = tf.sqrt(tf.reduce_sum(tf.square(doc_table), 1, keep_dims=True))
    normalized_docs = doc_table / norm_d
    return [[normalized_docs], [normalized]]


def writing_on(tf):
    """GPT-2's training script: the loss's logits, and samples drawn in a loop of the same net."""
    context = tf.placeholder(tf.int32, [2, None])
    wte = tf.get_variable("model/wte", [50, 8])
    wpe = tf.get_variable("model/wpe", [32, 8])

    def model(X):
        with tf.variable_scope("model", reuse=tf.AUTO_REUSE):
            n = tf.shape(X)[1]
            h = tf.gather(wte, X) + tf.gather(wpe, tf.range(n))
            for i in range(2):
                with tf.variable_scope(f"h{i}"):
                    q, k, v = tf.split(tf.layers.dense(h, 24, name="c_attn"), 3, axis=2)
                    w = tf.matmul(q, k, transpose_b=True) * 0.35
                    b = tf.matrix_band_part(tf.ones([n, n]), -1, 0)
                    w = w * b - 1e10 * (1 - b)
                    h += tf.layers.dense(tf.matmul(tf.nn.softmax(w), v), 8, name="c_proj")
                    h += tf.layers.dense(
                        tf.layers.dense(h, 16, tf.nn.relu, name="fc"), 8, name="mlp"
                    )
            flat = tf.reshape(h, [-1, 8])
            return tf.reshape(tf.matmul(flat, wte, transpose_b=True), [2, n, 50])

    logits = model(context)
    loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=context[:, 1:], logits=logits[:, :-1])
    )
    with tf.name_scope("sample_sequence"):

        def body(prev):
            last = model(prev)[:, -1, :] / 0.8
            values, _ = tf.nn.top_k(last, k=5)
            last = tf.where(last < values[:, -1:], tf.ones_like(last) * -1e10, last)
            drawn = tf.cast(tf.multinomial(last, num_samples=1), tf.int32)
            return [tf.concat([prev, drawn], axis=1)]

        tokens = tf.while_loop(
            lambda prev: tf.shape(prev)[1] < 20, body, [context], [tf.TensorShape([2, None])],
            back_prop=False,
        )  # fmt: skip
        tokens = tokens[0] if isinstance(tokens, (list, tuple)) else tokens
    tf.train.AdamOptimizer(1e-5).minimize(loss, var_list=tf.trainable_variables())
    tf.summary.scalar("loss", loss)
    return [[tokens], [logits]]


def bags_of_relations(tf):
    """PCNN with attention over the sentences of a bag, relations classed."""
    word = tf.placeholder(tf.int32, [None, 10], name="input_word")
    pos = tf.placeholder(tf.int32, [None, 10], name="input_pos1")
    y = tf.placeholder(tf.float32, [2, 6], name="input_y")
    total = tf.placeholder(tf.int32, [3], name="total_shape")
    table = tf.get_variable("word_embedding", [50, 8])
    pos_table = tf.get_variable("pos1_embedding", [20, 3])
    v = tf.concat([tf.nn.embedding_lookup(table, word), tf.nn.embedding_lookup(pos_table, pos)], 2)
    h = tf.nn.tanh(tf.reduce_max(tf.layers.conv1d(v, 12, 3, padding="same"), 1))
    att, r = tf.get_variable("attention_A", [12]), tf.get_variable("query_r", [12, 1])
    rel, d = tf.get_variable("relation_embedding", [6, 12]), tf.get_variable("bias_d", [6])
    prob, predictions, loss, accuracy = [], [], [], []
    for i in range(2):
        bag = h[total[i] : total[i + 1]]
        alpha = tf.nn.softmax(tf.reshape(tf.matmul(tf.multiply(bag, att), r), [1, -1]))
        s = tf.reshape(tf.matmul(alpha, bag), [12, 1])
        out = tf.add(tf.reshape(tf.matmul(rel, s), [6]), d)
        prob.append(tf.nn.softmax(out))
        with tf.name_scope("output"):
            predictions.append(tf.argmax(prob[i], 0, name="predictions"))
        with tf.name_scope("loss"):
            loss.append(tf.nn.softmax_cross_entropy_with_logits_v2(logits=out, labels=y[i]))
        with tf.name_scope("accuracy"):
            right = tf.equal(predictions[i], tf.argmax(y[i], 0))
            accuracy.append(tf.cast(right, "float"))
    tf.train.AdamOptimizer(1e-3).minimize(tf.add_n(loss))
    return [[predictions[0], prob[0]], [predictions[1], prob[1]]]
