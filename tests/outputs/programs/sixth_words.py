"""Words, sounds and tables, a sixth blind set: written before anybody had looked at the rules."""


def keras_tagger_of_names(tf):
    """A bidirectional tagger of Keras, with masked embeddings and a time-distributed softmax."""
    layers = tf.keras.layers
    model = tf.keras.Sequential()
    model.add(layers.Embedding(50, 8, input_length=12))
    model.add(layers.Bidirectional(layers.LSTM(6, return_sequences=True)))
    model.add(layers.TimeDistributed(layers.Dense(5)))
    model.add(layers.Activation("softmax"))
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model._make_train_function()
    model._make_test_function()
    return [[model.output, model.output.op.inputs[0]]]


def sentences_by_windows(tf):
    """Kim's sentence classifier as a well-known repository has it."""
    input_x = tf.placeholder(tf.int32, [None, 20], name="input_x")
    input_y = tf.placeholder(tf.float32, [None, 2], name="input_y")
    keep = tf.placeholder(tf.float32, name="dropout_keep_prob")
    l2_loss = tf.constant(0.0)
    with tf.name_scope("embedding"):
        W = tf.Variable(tf.random_uniform([60, 8], -1.0, 1.0), name="W")
        chars = tf.expand_dims(tf.nn.embedding_lookup(W, input_x), -1)
    pooled = []
    for size in (3, 4, 5):
        with tf.name_scope(f"conv-maxpool-{size}"):
            F = tf.Variable(tf.truncated_normal([size, 8, 1, 4], stddev=0.1), name="W")
            conv = tf.nn.conv2d(chars, F, [1, 1, 1, 1], "VALID", name="conv")
            h = tf.nn.relu(tf.nn.bias_add(conv, tf.Variable(tf.zeros([4]), name="b")))
            pooled.append(tf.nn.max_pool(h, [1, 21 - size, 1, 1], [1, 1, 1, 1], "VALID"))
    flat = tf.reshape(tf.concat(pooled, 3), [-1, 12])
    with tf.name_scope("dropout"):
        drop = tf.nn.dropout(flat, keep)
    with tf.name_scope("output"):
        W = tf.get_variable("W", [12, 2])
        b = tf.Variable(tf.constant(0.1, shape=[2]), name="b")
        l2_loss += tf.nn.l2_loss(W) + tf.nn.l2_loss(b)
        scores = tf.nn.xw_plus_b(drop, W, b, name="scores")
        predictions = tf.argmax(scores, 1, name="predictions")
    with tf.name_scope("loss"):
        xent = tf.nn.softmax_cross_entropy_with_logits(logits=scores, labels=input_y)
        loss = tf.reduce_mean(xent) + 0.1 * l2_loss
    with tf.name_scope("accuracy"):
        right = tf.equal(predictions, tf.argmax(input_y, 1))
        acc = tf.reduce_mean(tf.cast(right, "float"), name="accuracy")
    step = tf.Variable(0, name="global_step", trainable=False)
    optimizer = tf.train.AdamOptimizer(1e-3)
    pairs = optimizer.compute_gradients(loss)
    optimizer.apply_gradients(pairs, global_step=step)
    for grad, var in pairs:
        if isinstance(grad, tf.Tensor):
            tf.summary.histogram(f"{var.op.name}/grad/hist", grad)
            tf.summary.scalar(f"{var.op.name}/grad/sparsity", tf.nn.zero_fraction(grad))
    tf.summary.scalar("loss", loss)
    tf.summary.scalar("accuracy", acc)
    return [[predictions, scores]]


def _crf_score(tf, logits, tags, lengths, trans):
    mask = tf.sequence_mask(lengths, tf.shape(logits)[1], dtype=tf.float32)
    unary = tf.reduce_sum(logits * tf.one_hot(tags, 5), 2) * mask
    pairs = tf.gather_nd(trans, tf.stack([tags[:, :-1], tags[:, 1:]], 2))
    score = tf.reduce_sum(unary, 1) + tf.reduce_sum(pairs * mask[:, 1:], 1)

    def forward(alpha, x):
        return tf.reduce_logsumexp(tf.expand_dims(alpha, 2) + trans, 1) + x

    alphas = tf.scan(forward, tf.transpose(logits, [1, 0, 2])[1:], logits[:, 0])
    return score - tf.reduce_logsumexp(alphas[-1], 1)


def tags_by_transitions(tf):
    """A BiLSTM-CRF whose Viterbi runs outside: scores and transitions are fetched."""
    words = tf.placeholder(tf.int32, [None, None], "word_ids")
    lengths = tf.placeholder(tf.int32, [None], "sequence_lengths")
    labels = tf.placeholder(tf.int32, [None, None], "labels")
    keep = tf.placeholder(tf.float32, [], "dropout")
    with tf.variable_scope("words"):
        table = tf.Variable(tf.random_normal([40, 8]), name="_word_embeddings")
        emb = tf.nn.dropout(tf.nn.embedding_lookup(table, words, name="word_embeddings"), keep)
    with tf.variable_scope("bi-lstm"):
        fw, bw = tf.nn.rnn_cell.LSTMCell(6), tf.nn.rnn_cell.LSTMCell(6)
        (a, b), _ = tf.nn.bidirectional_dynamic_rnn(
            fw, bw, emb, sequence_length=lengths, dtype=tf.float32
        )
        out = tf.nn.dropout(tf.concat([a, b], -1), keep)
    with tf.variable_scope("proj"):
        W = tf.get_variable("W", [12, 5])
        b = tf.get_variable("b", [5], initializer=tf.zeros_initializer())
        nsteps = tf.shape(out)[1]
        pred = tf.matmul(tf.reshape(out, [-1, 12]), W) + b
        logits = tf.reshape(pred, [-1, nsteps, 5])
    trans = tf.get_variable("transitions", [5, 5])
    loss = tf.reduce_mean(-_crf_score(tf, logits, labels, lengths, trans))
    tf.summary.scalar("loss", loss)
    optimizer = tf.train.AdamOptimizer(1e-3)
    grads, vs = zip(*optimizer.compute_gradients(loss), strict=True)
    grads, _ = tf.clip_by_global_norm(grads, 5.0)
    optimizer.apply_gradients(zip(grads, vs, strict=True))
    return [[logits, pred]]


def translated_by_beam(tf):
    """Attention in training, a beam of four in a loop for inference, weights shared."""
    src = tf.placeholder(tf.int32, [None, None], "encoder_inputs")
    src_len = tf.placeholder(tf.int32, [None], "encoder_inputs_length")
    dst = tf.placeholder(tf.int32, [None, None], "decoder_inputs")
    targets = tf.placeholder(tf.int32, [None, None], "decoder_targets")
    weights = tf.placeholder(tf.float32, [None, None], "target_weights")
    table = tf.get_variable("embedding", [30, 8])
    with tf.variable_scope("encoder"):
        cell = tf.nn.rnn_cell.GRUCell(8)
        outs, state = tf.nn.dynamic_rnn(
            cell, tf.nn.embedding_lookup(table, src), src_len, dtype=tf.float32
        )
    decoder = tf.nn.rnn_cell.GRUCell(8, name="decoder_cell")
    W = tf.get_variable("output_kernel", [8, 30])
    with tf.variable_scope("decoder"):
        ys, _ = tf.nn.dynamic_rnn(decoder, tf.nn.embedding_lookup(table, dst), initial_state=state)
    scores = tf.matmul(ys, outs, transpose_b=True)
    context = tf.matmul(tf.nn.softmax(scores), outs)
    logits = tf.tensordot(tf.tanh(ys + context), W, 1)
    xent = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=logits)
    loss = tf.reduce_sum(xent * weights) / tf.to_float(tf.shape(src)[0])
    params = tf.trainable_variables()
    grads, _ = tf.clip_by_global_norm(tf.gradients(loss, params), 5.0)
    tf.train.GradientDescentOptimizer(1.0).apply_gradients(zip(grads, params, strict=True))
    n = tf.shape(src)[0]

    def body(i, ids, logp, s):
        emb = tf.nn.embedding_lookup(table, tf.reshape(ids[:, :, -1], [-1]))
        _, s = decoder(emb, s)
        p = tf.nn.log_softmax(tf.matmul(s, W))
        total = tf.reshape(logp, [-1, 1]) + p
        top, at = tf.nn.top_k(tf.reshape(total, [n, 4 * 30]), 4)
        parent, word = at // 30, at % 30
        rows = tf.tile(tf.expand_dims(tf.range(n), 1), [1, 4])
        picked = tf.gather_nd(ids, tf.stack([rows, parent], 2))
        s = tf.gather(s, tf.reshape(rows * 4 + parent, [-1]))
        return i + 1, tf.concat([picked, tf.expand_dims(word, 2)], 2), top, s

    start = tf.ones([n, 4, 1], tf.int32)
    tiled = tf.reshape(tf.tile(tf.expand_dims(state, 1), [1, 4, 1]), [-1, 8])
    _, ids, _logp, _ = tf.while_loop(
        lambda i, *_: i < 12,
        body,
        [0, start, tf.zeros([n, 4]), tiled],
        [
            tf.TensorShape([]),
            tf.TensorShape([None, 4, None]),
            tf.TensorShape([None, 4]),
            tf.TensorShape([None, 8]),
        ],
    )
    sample = tf.identity(ids[:, :, 1:], name="decoder_pred_decode")
    return [[sample, ids, sample.op.inputs[0]], [logits]]


def deep_speech_small(tf):
    """Features in time-major order, a greedy decoder and a label error rate."""
    x = tf.placeholder(tf.float32, [None, None, 13], "inputs")
    seq = tf.placeholder(tf.int32, [None], "seq_len")
    y = tf.sparse_placeholder(tf.int32, name="targets")
    shape = tf.shape(x)
    cell = tf.nn.rnn_cell.LSTMCell(8, state_is_tuple=True)
    stack = tf.nn.rnn_cell.MultiRNNCell([cell], state_is_tuple=True)
    outputs, _ = tf.nn.dynamic_rnn(stack, x, seq, dtype=tf.float32)
    W = tf.Variable(tf.truncated_normal([8, 28], stddev=0.1))
    b = tf.Variable(tf.constant(0.0, shape=[28]))
    logits = tf.matmul(tf.reshape(outputs, [-1, 8]), W) + b
    logits = tf.transpose(tf.reshape(logits, [shape[0], -1, 28]), (1, 0, 2))
    cost = tf.reduce_mean(tf.nn.ctc_loss(y, logits, seq))
    tf.train.MomentumOptimizer(0.01, 0.9).minimize(cost)
    decoded, _ = tf.nn.ctc_greedy_decoder(logits, seq)
    tf.reduce_mean(tf.edit_distance(tf.cast(decoded[0], tf.int32), y))
    return [[decoded[0].values], [logits, logits.op.inputs[0]]]


def speech_enhanced(tf):
    """SEGAN in small: a waveform cleaned by an encoder and a decoder with skips, an adversary."""
    noisy = tf.placeholder(tf.float32, [4, 256], "noisy_wav")
    clean = tf.placeholder(tf.float32, [4, 256], "clean_wav")

    def conv(x, n, name):
        return tf.layers.conv1d(x, n, 7, 2, "same", name=name)

    def generator(w):
        with tf.variable_scope("g_model"):
            x = tf.expand_dims(w, 2)
            e1 = tf.nn.leaky_relu(conv(x, 4, "enc_0"))
            e2 = tf.nn.leaky_relu(conv(e1, 8, "enc_1"))
            z = tf.random_normal([4, 64, 8], name="z")
            d = tf.layers.conv2d_transpose(
                tf.expand_dims(tf.concat([e2, z], 2), 1), 4, (1, 7), (1, 2), "same", name="dec_0"
            )
            d = tf.concat([tf.nn.relu(tf.squeeze(d, 1)), e1], 2)
            d = tf.layers.conv2d_transpose(
                tf.expand_dims(d, 1), 1, (1, 7), (1, 2), "same", name="dec_1"
            )
            return tf.tanh(tf.squeeze(d, [1, 3]))

    def discriminator(w, c):
        with tf.variable_scope("d_model", reuse=tf.AUTO_REUSE):
            h = tf.nn.leaky_relu(conv(tf.stack([w, c], 2), 4, "c0"))
            return tf.layers.dense(tf.layers.flatten(h), 1, name="out")

    G = generator(noisy)
    real, fake = discriminator(clean, noisy), discriminator(G, noisy)
    d_loss = tf.reduce_mean(tf.square(real - 1.0)) + tf.reduce_mean(tf.square(fake))
    l1 = 100.0 * tf.reduce_mean(tf.abs(G - clean))
    g_loss = tf.reduce_mean(tf.square(fake - 1.0)) + l1
    tf.summary.audio("gen_audio", G, 8000)
    tf.summary.scalar("g_l1_loss", l1)
    for loss, scope in ((d_loss, "d_model"), (g_loss, "g_model")):
        opt = tf.train.RMSPropOptimizer(2e-4)
        opt.minimize(loss, var_list=tf.trainable_variables(scope))
    return [[G]]


def bags_around_words(tf):
    """CBOW with a sampled loss; the normalised table is what is kept."""
    contexts = tf.placeholder(tf.int32, [16, 4], "context")
    targets = tf.placeholder(tf.int32, [16, 1], "target")
    valid = tf.constant([1, 2, 3, 4], tf.int32)
    table = tf.Variable(tf.random_uniform([60, 8], -1.0, 1.0))
    weights = tf.Variable(tf.truncated_normal([60, 8], stddev=0.3))
    biases = tf.Variable(tf.zeros([60]))
    embed = tf.reduce_mean(tf.nn.embedding_lookup(table, contexts), 1)
    loss = tf.reduce_mean(tf.nn.sampled_softmax_loss(weights, biases, targets, embed, 8, 60))
    tf.train.AdagradOptimizer(1.0).minimize(loss)
    norm = tf.sqrt(tf.reduce_sum(tf.square(table), 1, keepdims=True))
    normalized = table / norm
    valid_embed = tf.nn.embedding_lookup(normalized, valid)
    similarity = tf.matmul(valid_embed, tf.transpose(normalized))
    return [[normalized], [similarity]]


def letters_that_follow(tf):
    """A character model that is trained and sampled from with one graph."""
    batch = tf.placeholder(tf.int32, [None, None], "inputs")
    targets = tf.placeholder(tf.int32, [None, None], "targets")
    keep = tf.placeholder(tf.float32, name="keep_prob")
    x = tf.one_hot(batch, 40)
    cells = [
        tf.nn.rnn_cell.DropoutWrapper(tf.nn.rnn_cell.LSTMCell(8), output_keep_prob=keep)
        for _ in range(2)
    ]
    cell = tf.nn.rnn_cell.MultiRNNCell(cells)
    start = cell.zero_state(tf.shape(batch)[0], tf.float32)
    outs, final = tf.nn.dynamic_rnn(cell, x, initial_state=start)
    flat = tf.reshape(outs, [-1, 8])
    with tf.variable_scope("softmax"):
        w = tf.Variable(tf.truncated_normal([8, 40], stddev=0.1))
        b = tf.Variable(tf.zeros(40))
    logits = tf.matmul(flat, w) + b
    prediction = tf.nn.softmax(logits, name="predictions")
    y = tf.reshape(tf.one_hot(targets, 40), tf.shape(logits))
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=y))
    tvars = tf.trainable_variables()
    grads, _ = tf.clip_by_global_norm(tf.gradients(loss, tvars), 5)
    tf.train.AdamOptimizer(1e-3).apply_gradients(zip(grads, tvars, strict=True))
    return [[prediction, logits], [final[-1].h], [final[-1].c]]


def questions_of_pictures(tf):
    """VQA: an image's features and a question's state, multiplied, then an answer."""
    img = tf.placeholder(tf.float32, [None, 64], "image_features")
    q = tf.placeholder(tf.int32, [None, 10], "question")
    ans = tf.placeholder(tf.int64, [None], "answer")
    table = tf.get_variable("embed_ques_W", [50, 8])
    cell = tf.nn.rnn_cell.BasicLSTMCell(12)
    _, state = tf.nn.dynamic_rnn(cell, tf.nn.embedding_lookup(table, q), dtype=tf.float32)
    qe = tf.tanh(tf.layers.dense(tf.nn.dropout(state.h, 0.5), 16, name="embed_state"))
    ie = tf.tanh(tf.layers.dense(tf.nn.dropout(img, 0.5), 16, name="embed_image"))
    scores = tf.layers.dense(tf.nn.dropout(qe * ie, 0.5), 20, name="embed_scor")
    generated = tf.nn.softmax(scores)
    xent = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=ans, logits=scores)
    tf.train.AdamOptimizer(3e-4).minimize(tf.reduce_mean(xent))
    return [[generated, scores]]


def captions_of_pictures(tf):
    """Show and tell: training through a mask; a softmax of every step is fetched."""
    images = tf.placeholder(tf.float32, [2, 32, 32, 3], "images")
    input_seqs = tf.placeholder(tf.int64, [2, None], "input_seqs")
    target_seqs = tf.placeholder(tf.int64, [2, None], "target_seqs")
    mask = tf.placeholder(tf.int32, [2, None], "input_mask")
    net = tf.layers.conv2d(images, 8, 3, 4, activation=tf.nn.relu, name="InceptionV3")
    image_emb = tf.layers.dense(tf.reduce_mean(net, [1, 2]), 8, name="image_embedding")
    table = tf.get_variable("seq_embedding/map", [50, 8])
    seq = tf.nn.embedding_lookup(table, input_seqs)
    cell = tf.nn.rnn_cell.BasicLSTMCell(8)
    with tf.variable_scope("lstm") as scope:
        _, initial = cell(image_emb, cell.zero_state(2, tf.float32))
        scope.reuse_variables()
        outs, _ = tf.nn.dynamic_rnn(
            cell, seq, tf.reduce_sum(mask, 1), initial, dtype=tf.float32, scope=scope
        )
    logits = tf.layers.dense(tf.reshape(outs, [-1, 8]), 50, name="logits")
    targets, weights = tf.reshape(target_seqs, [-1]), tf.to_float(tf.reshape(mask, [-1]))
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=logits)
    batch_loss = tf.div(tf.reduce_sum(losses * weights), tf.reduce_sum(weights), name="batch_loss")
    tf.losses.add_loss(batch_loss)
    total = tf.losses.get_total_loss()
    tf.summary.scalar("losses/batch_loss", batch_loss)
    for var in tf.trainable_variables():
        tf.summary.histogram("parameters/" + var.op.name, var)
    step = tf.train.get_or_create_global_step()
    rate = tf.train.exponential_decay(2.0, step, 1000, 0.5, staircase=True)
    opt = tf.train.GradientDescentOptimizer(rate)
    gv = [(tf.clip_by_norm(g, 5.0), v) for g, v in opt.compute_gradients(total)]
    opt.apply_gradients(gv, global_step=step)
    return [[logits]]


def windows_of_prices(tf):
    """A regression of the next value from a window, by the last output of a GRU."""
    X = tf.placeholder(tf.float32, [None, 30, 5], name="X")
    Y = tf.placeholder(tf.float32, [None, 1], name="Y")
    cell = tf.nn.rnn_cell.GRUCell(8, activation=tf.tanh)
    outputs, _states = tf.nn.dynamic_rnn(cell, X, dtype=tf.float32)
    Y_pred = tf.layers.dense(outputs[:, -1], 1, activation=None)
    loss = tf.reduce_sum(tf.square(Y_pred - Y))
    tf.train.AdamOptimizer(0.01).minimize(loss)
    targets = tf.placeholder(tf.float32, [None, 1])
    predictions = tf.placeholder(tf.float32, [None, 1])
    tf.sqrt(tf.reduce_mean(tf.square(targets - predictions)))
    return [[Y_pred]]


def sequences_rebuilt(tf):
    """An anomaly detector: an LSTM that rebuilds its input backwards; the error is the score."""
    seq = tf.placeholder(tf.float32, [8, 12, 3])
    steps = tf.unstack(seq, axis=1)
    with tf.variable_scope("encoder"):
        enc = tf.nn.rnn_cell.LSTMCell(6)
        _, state = tf.nn.static_rnn(enc, steps, dtype=tf.float32)
    W = tf.Variable(tf.truncated_normal([6, 3]), name="dec_weight")
    b = tf.Variable(tf.constant(0.1, shape=[3]), name="dec_bias")
    outs = []
    with tf.variable_scope("decoder") as scope:
        dec = tf.nn.rnn_cell.LSTMCell(6)
        x = tf.zeros([8, 3])
        for i in range(12):
            if i:
                scope.reuse_variables()
            h, state = dec(x, state)
            x = tf.matmul(h, W) + b
            outs.append(x)
    rebuilt = tf.transpose(tf.stack(outs[::-1]), [1, 0, 2])
    loss = tf.reduce_mean(tf.square(seq - rebuilt))
    tf.train.AdamOptimizer().minimize(loss)
    return [[rebuilt]]
