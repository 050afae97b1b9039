"""Words and sounds, a seventh blind set: kept back until the sixth's misses were mended."""


def keras_sentiment_fitted(tf):
    """A Keras LSTM over words with one sigmoid unit."""
    layers = tf.keras.layers
    words = tf.keras.Input((40,), dtype="int32", name="words")
    x = layers.SpatialDropout1D(0.2)(layers.Embedding(100, 8)(words))
    x = layers.LSTM(8, dropout=0.2)(x)
    out = layers.Dense(1, activation="sigmoid")(x)
    model = tf.keras.Model(words, out)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model._make_train_function()
    return [[model.output, model.output.op.inputs[0]]]


def viterbi_in_the_graph(tf):
    """A tagger that decodes in its graph, as contrib did: scores forward, pointers backward."""
    x = tf.placeholder(tf.int32, [None, None], "ChatInputs")
    y = tf.placeholder(tf.int32, [None, None], "Targets")
    keep = tf.placeholder(tf.float32, name="Dropout")
    lengths = tf.reduce_sum(tf.sign(tf.abs(x)), 1)
    table = tf.get_variable("char_embedding", [40, 8])
    e = tf.nn.dropout(tf.nn.embedding_lookup(table, x), keep)
    cell = tf.nn.rnn_cell.LSTMCell(8)
    h, _ = tf.nn.dynamic_rnn(cell, e, lengths, dtype=tf.float32)
    hidden = tf.tanh(tf.layers.dense(tf.reshape(h, [-1, 8]), 8))
    logits = tf.reshape(tf.layers.dense(hidden, 5), [-1, tf.shape(x)[1], 5])
    trans = tf.get_variable("transitions", [5, 5])
    mask = tf.sequence_mask(lengths, tf.shape(x)[1], dtype=tf.float32)
    unary = tf.reduce_sum(tf.reduce_sum(logits * tf.one_hot(y, 5), 2) * mask, 1)
    pair = tf.gather_nd(trans, tf.stack([y[:, :-1], y[:, 1:]], 2))
    seq = unary + tf.reduce_sum(pair * mask[:, 1:], 1)
    time = tf.transpose(logits, [1, 0, 2])
    alphas = tf.scan(
        lambda a, u: tf.reduce_logsumexp(tf.expand_dims(a, 2) + trans, 1) + u, time[1:], time[0]
    )
    norm = tf.reduce_logsumexp(alphas[-1], 1)
    loss = tf.reduce_mean(norm - seq)
    n = tf.shape(x)[0]

    def forward(state, u):
        scores = tf.expand_dims(state[0], 2) + trans
        return tf.reduce_max(scores, 1) + u, tf.argmax(scores, 1, output_type=tf.int32)

    best, pointers = tf.scan(forward, time[1:], (time[0], tf.zeros([n, 5], tf.int32)))
    last = tf.argmax(best[-1], 1, output_type=tf.int32)
    rows = tf.range(n)
    back = tf.scan(
        lambda tag, p: tf.gather_nd(p, tf.stack([rows, tag], 1)), tf.reverse(pointers, [0]), last
    )
    tags = tf.transpose(tf.concat([tf.reverse(back, [0]), last[None]], 0), name="decoded_tags")
    with tf.variable_scope("optimizer"):
        opt = tf.train.AdamOptimizer(1e-3)
        capped = [[tf.clip_by_value(g, -5, 5), v] for g, v in opt.compute_gradients(loss)]
        opt.apply_gradients(capped, tf.train.get_or_create_global_step())
    return [[tags, tags.op.inputs[0]], [logits]]


def _block(tf, x, memory, name, causal):
    with tf.variable_scope(name, reuse=tf.AUTO_REUSE):
        q, k, v = (
            tf.layers.dense(y, 8, use_bias=False, name=n)
            for y, n in ((x, "q"), (memory, "k"), (memory, "v"))
        )
        logits = tf.matmul(q, k, transpose_b=True, name="logits")
        if causal:
            size = tf.shape(logits)[1]
            logits += (1.0 - tf.linalg.band_part(tf.ones([size, size]), -1, 0)) * -1e9
        x += tf.matmul(tf.nn.softmax(logits, name="attention_weights"), v)
        h = tf.layers.dense(tf.layers.dense(x, 16, tf.nn.relu, name="conv1"), 8, name="conv2")
        mean, var = tf.nn.moments(x + h, [-1], keepdims=True)
        return (x + h - mean) * tf.rsqrt(var + 1e-6)


def tensor_to_tensor_trained(tf):
    """T2T's transformer while it trains: parallel shards' names, smoothed loss, tied softmax."""
    features = tf.placeholder(tf.int32, [None, None], "inputs")
    targets = tf.placeholder(tf.int32, [None, None], "targets")
    with tf.variable_scope("transformer"):
        with tf.variable_scope("symbol_modality_32_8/shared"):
            table = tf.get_variable("weights_0", [32, 8])
        with tf.variable_scope("body"):
            x = tf.gather(table, features) * 8**0.5
            x = tf.nn.dropout(x, 0.9)
            enc = _block(tf, x, x, "encoder/layer_0", False)
            y = tf.pad(tf.gather(table, targets), [[0, 0], [1, 0], [0, 0]])[:, :-1]
            y = _block(tf, y, y, "decoder/layer_0/self_attention", True)
            y = _block(tf, y, enc, "decoder/layer_0/encdec_attention", False)
        with tf.variable_scope("symbol_modality_32_8/softmax"):
            flat = tf.reshape(y, [-1, 8])
            logits = tf.matmul(flat, table, transpose_b=True)
            logits = tf.reshape(logits, tf.concat([tf.shape(targets), [1, 1, 32]], 0))
    soft = tf.one_hot(targets, 32) * 0.9 + 0.1 / 32
    xent = tf.nn.softmax_cross_entropy_with_logits_v2(logits=logits[:, :, 0, 0], labels=soft)
    weights = tf.to_float(tf.not_equal(targets, 0))
    num, den = tf.reduce_sum(xent * weights), tf.reduce_sum(weights)
    loss = num / tf.maximum(1.0, den)
    tf.summary.scalar("losses/training", loss)
    step = tf.train.get_or_create_global_step()
    warm = tf.minimum(1.0, tf.to_float(step) / 4000)
    tf.train.AdamOptimizer(0.2 * warm, 0.9, 0.997, 1e-9).minimize(loss, step)
    return [[logits, logits.op.inputs[0]]]


def pretrained_and_bolted(tf):
    """A sentence-pair classifier over a small BERT, named as run_classifier names it."""
    ids = tf.placeholder(tf.int32, [4, 16], "input_ids")
    mask = tf.placeholder(tf.int32, [4, 16], "input_mask")
    segments = tf.placeholder(tf.int32, [4, 16], "segment_ids")
    labels = tf.placeholder(tf.int32, [4], "label_ids")
    with tf.variable_scope("bert"):
        with tf.variable_scope("embeddings"):
            x = tf.gather(tf.get_variable("word_embeddings", [50, 8]), ids)
            types = tf.get_variable("token_type_embeddings", [2, 8])
            x += tf.reshape(tf.matmul(tf.one_hot(tf.reshape(segments, [-1]), 2), types), [4, 16, 8])
        with tf.variable_scope("encoder/layer_0"):
            q, k, v = (tf.layers.dense(x, 8, name=n) for n in ("query", "key", "value"))
            scores = tf.matmul(q, k, transpose_b=True) / 8**0.5
            scores += (1.0 - tf.to_float(mask[:, None, :])) * -10000.0
            probs = tf.nn.dropout(tf.nn.softmax(scores), 0.9)
            h = tf.layers.dense(tf.matmul(probs, v), 8, name="output") + x
        with tf.variable_scope("pooler"):
            first = tf.squeeze(h[:, 0:1, :], 1)
            pooled = tf.layers.dense(first, 8, tf.tanh)
    w = tf.get_variable("output_weights", [3, 8])
    b = tf.get_variable("output_bias", [3])
    with tf.variable_scope("loss"):
        pooled = tf.nn.dropout(pooled, keep_prob=0.9)
        logits = tf.nn.bias_add(tf.matmul(pooled, w, transpose_b=True), b)
        probabilities = tf.nn.softmax(logits, axis=-1)
        log_probs = tf.nn.log_softmax(logits, axis=-1)
        per_example = -tf.reduce_sum(tf.one_hot(labels, 3) * log_probs, axis=-1)
        loss = tf.reduce_mean(per_example)
    step = tf.train.get_or_create_global_step()
    tvars = tf.trainable_variables()
    grads, _ = tf.clip_by_global_norm(tf.gradients(loss, tvars), 1.0)
    for g, p in zip(grads, tvars, strict=True):
        m = tf.get_variable(p.op.name + "/adam_m", p.shape, trainable=False)
        next_m = 0.9 * m + 0.1 * tf.convert_to_tensor(g)
        p.assign(p - 1e-4 * (next_m + 0.01 * p))
        m.assign(next_m)
    step.assign(step + 1)
    return [[probabilities, logits, log_probs]]


def attentive_summaries(tf):
    """A headline writer: attention while training, a greedy loop of the same cell."""
    art = tf.placeholder(tf.int32, [None, 20], "encoder_inputs")
    dec = tf.placeholder(tf.int32, [None, 8], "decoder_inputs")
    out = tf.placeholder(tf.int32, [None, 8], "decoder_targets")
    table = tf.get_variable("embeddings", [40, 8])
    fw, bw = tf.nn.rnn_cell.GRUCell(4), tf.nn.rnn_cell.GRUCell(4)
    outs, states = tf.nn.bidirectional_dynamic_rnn(
        fw, bw, tf.nn.embedding_lookup(table, art), dtype=tf.float32
    )
    memory, state = tf.concat(outs, 2), tf.concat(states, 1)
    cell = tf.nn.rnn_cell.GRUCell(8, name="decoder")
    W = tf.get_variable("projection", [16, 40])

    def step(token, s):
        y, s = cell(tf.nn.embedding_lookup(table, token), s)
        a = tf.nn.softmax(tf.squeeze(tf.matmul(memory, tf.expand_dims(y, 2)), 2))
        c = tf.reduce_sum(tf.expand_dims(a, 2) * memory, 1)
        return tf.matmul(tf.concat([y, c], 1), W), s

    s, steps = state, []
    for i in range(8):
        logit, s = step(dec[:, i], s)
        steps.append(logit)
    logits = tf.stack(steps, 1)
    xent = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=out, logits=logits)
    weights = tf.to_float(tf.sign(out))
    loss = tf.reduce_sum(xent * weights) / tf.reduce_sum(weights)
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    n = tf.shape(art)[0]

    def body(i, token, s, ids):
        logit, s = step(token, s)
        token = tf.argmax(logit, 1, output_type=tf.int32)
        return i + 1, token, s, ids.write(i, token)

    ids = tf.TensorArray(tf.int32, 0, dynamic_size=True)
    _, _, _, ids = tf.while_loop(lambda i, *_: i < 8, body, [0, tf.ones([n], tf.int32), state, ids])
    answer = tf.transpose(ids.stack(), name="prediction_ids")
    return [[answer, answer.op.inputs[0]], [logits]]


def handwriting_in_mixtures(tf):
    """A mixture density over pen strokes: weights, means, deviations, correlations, an end."""
    x = tf.placeholder(tf.float32, [None, 10, 3], "input_data")
    y = tf.placeholder(tf.float32, [None, 10, 3], "target_data")
    h, state = tf.nn.dynamic_rnn(tf.nn.rnn_cell.BasicLSTMCell(8), x, dtype=tf.float32)
    out = tf.layers.dense(tf.reshape(h, [-1, 8]), 1 + 4 * 6, name="rnnlm_output")
    t1, t2, teos = tf.split(tf.reshape(y, [-1, 3]), 3, 1)
    eos = tf.sigmoid(out[:, 0:1])
    pi, m1, m2, s1, s2, corr = tf.split(out[:, 1:], 6, 1)
    pi = tf.exp(pi - tf.reduce_max(pi, 1, keepdims=True))
    pi = tf.multiply(tf.reciprocal(tf.reduce_sum(pi, 1, keepdims=True)), pi)
    s1, s2, corr = tf.exp(s1), tf.exp(s2), tf.tanh(corr)
    a, b = (t1 - m1) / s1, (t2 - m2) / s2
    z = tf.square(a) + tf.square(b) - 2 * corr * a * b
    left = 1 - tf.square(corr)
    normal = tf.exp(-z / (2 * left)) / (6.2831853 * s1 * s2 * tf.sqrt(left))
    like = -tf.log(tf.maximum(tf.reduce_sum(normal * pi, 1, keepdims=True), 1e-20))
    bern = -tf.log(eos * teos + (1 - eos) * (1 - teos))
    cost = tf.reduce_sum(like + bern) / 80.0
    lr = tf.Variable(0.0, trainable=False)
    tvars = tf.trainable_variables()
    grads, _ = tf.clip_by_global_norm(tf.gradients(cost, tvars), 10.0)
    tf.train.AdamOptimizer(lr).apply_gradients(zip(grads, tvars, strict=True))
    return [[pi], [m1, m2], [s1, s2], [corr], [eos], [state.h, state.c]]


def waves_separated(tf):
    """Two sources by masks from one spectrogram; both are fetched."""
    mixed = tf.placeholder(tf.float32, [None, None, 33], "x_mixed")
    src1 = tf.placeholder(tf.float32, [None, None, 33], "y_src1")
    src2 = tf.placeholder(tf.float32, [None, None, 33], "y_src2")
    cell = tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.GRUCell(8) for _ in range(2)])
    h, _ = tf.nn.dynamic_rnn(cell, mixed, dtype=tf.float32)
    y1 = tf.layers.dense(h, 33, tf.nn.relu, name="y_hat_src1")
    y2 = tf.layers.dense(h, 33, tf.nn.relu, name="y_hat_src2")
    m1 = y1 / (y1 + y2 + 1e-7) * mixed
    m2 = y2 / (y1 + y2 + 1e-7) * mixed
    loss = tf.reduce_mean(tf.square(src1 - m1) + tf.square(src2 - m2), name="loss")
    tf.train.AdamOptimizer(1e-3).minimize(loss, tf.train.get_or_create_global_step())
    tf.summary.scalar("loss", loss)
    return [[m1], [m2]]


def sentences_by_hierarchy(tf):
    """Words attended into sentences, sentences into a document, classes by logits."""
    x = tf.placeholder(tf.int32, [None, 4, 10], "input_x")
    y = tf.placeholder(tf.int32, [None], "input_y")
    keep = tf.placeholder(tf.float32, name="dropout_keep_prob")

    def attend(h, name):
        with tf.variable_scope(name):
            u = tf.layers.dense(h, 8, tf.tanh)
            context = tf.get_variable("context_vector", [8])
            a = tf.nn.softmax(tf.reduce_sum(u * context, 2, keepdims=True), 1)
            return tf.reduce_sum(h * a, 1)

    table = tf.get_variable("Embedding", [50, 8])
    e = tf.nn.embedding_lookup(table, tf.reshape(x, [-1, 10]))
    with tf.variable_scope("word"):
        h, _ = tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(8), e, dtype=tf.float32)
    s = tf.reshape(attend(h, "word_attention"), [-1, 4, 8])
    with tf.variable_scope("sentence"):
        h, _ = tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(8), s, dtype=tf.float32)
    doc = tf.nn.dropout(attend(h, "sentence_attention"), keep)
    W = tf.get_variable("W_projection", [8, 5])
    b = tf.get_variable("b_projection", [5])
    logits = tf.matmul(doc, W) + b
    predictions = tf.argmax(logits, axis=1, name="predictions")
    xent = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
    l2 = tf.add_n([tf.nn.l2_loss(v) for v in tf.trainable_variables()]) * 1e-4
    loss = tf.reduce_mean(xent) + l2
    right = tf.equal(tf.cast(predictions, tf.int32), y)
    tf.reduce_mean(tf.cast(right, tf.float32), name="Accuracy")
    step = tf.Variable(0, trainable=False, name="Global_Step")
    tf.train.AdamOptimizer(1e-3).minimize(loss, global_step=step)
    return [[predictions, logits]]


def noise_contrasted(tf):
    """A language model: noise contrast in training, a full softmax to evaluate."""
    x = tf.placeholder(tf.int32, [8, 6], "input")
    y = tf.placeholder(tf.int64, [8, 1], "target")
    table = tf.get_variable("emb", [50, 8])
    flat = tf.reshape(tf.nn.embedding_lookup(table, x), [8, 48])
    h = tf.tanh(tf.layers.dense(flat, 8))
    W, b = tf.get_variable("nce_w", [50, 8]), tf.get_variable("nce_b", [50])
    loss = tf.reduce_mean(tf.nn.nce_loss(W, b, y, h, 5, 50))
    logits = tf.matmul(h, W, transpose_b=True) + b
    output = tf.nn.softmax(logits)
    onehot = tf.one_hot(tf.squeeze(y, 1), 50)
    evaluated = tf.nn.sigmoid_cross_entropy_with_logits(labels=onehot, logits=logits)
    tf.reduce_sum(evaluated, 1)
    tf.train.AdagradOptimizer(0.1).minimize(loss)
    return [[output, logits]]
