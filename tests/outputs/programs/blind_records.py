"""Sounds, words and rows, a fourth blind set: written after the third was mended."""


def days_to_come(tf):
    """A stock LSTM as passed around: weights in a dict, two reshapes."""
    X = tf.placeholder(tf.float32, shape=[None, 10, 7])
    Y = tf.placeholder(tf.float32, shape=[None, 10, 1])
    weights = {
        "in": tf.Variable(tf.random_normal([7, 8])),
        "out": tf.Variable(tf.random_normal([8, 1])),
    }
    biases = {
        "in": tf.Variable(tf.constant(0.1, shape=[8])),
        "out": tf.Variable(tf.constant(0.1, shape=[1])),
    }
    with tf.variable_scope("sec_lstm"):
        batch = tf.shape(X)[0]
        flat = tf.reshape(X, [-1, 7])
        rnn_in = tf.reshape(tf.matmul(flat, weights["in"]) + biases["in"], [-1, 10, 8])
        cell = tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.BasicLSTMCell(8) for _ in range(2)])
        init = cell.zero_state(batch, dtype=tf.float32)
        output, _ = tf.nn.dynamic_rnn(cell, rnn_in, initial_state=init, dtype=tf.float32)
        pred = tf.matmul(tf.reshape(output, [-1, 8]), weights["out"]) + biases["out"]
    loss = tf.reduce_mean(tf.square(tf.reshape(pred, [-1]) - tf.reshape(Y, [-1])))
    tf.train.AdamOptimizer(6e-4).minimize(loss)
    return [[pred]]


def rows_of_digits(tf):
    """aymericdamien's RNN: unrolled by hand, the last output classed."""
    X = tf.placeholder("float", [None, 28, 28])
    Y = tf.placeholder("float", [None, 10])
    weights = tf.Variable(tf.random_normal([12, 10]))
    biases = tf.Variable(tf.random_normal([10]))
    cell = tf.nn.rnn_cell.BasicLSTMCell(12, forget_bias=1.0)
    outputs, _ = tf.nn.static_rnn(cell, tf.unstack(X, 28, 1), dtype=tf.float32)
    logits = tf.matmul(outputs[-1], weights) + biases
    prediction = tf.nn.softmax(logits)
    loss_op = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=Y))
    tf.train.GradientDescentOptimizer(0.001).minimize(loss_op)
    correct = tf.equal(tf.argmax(prediction, 1), tf.argmax(Y, 1))
    tf.reduce_mean(tf.cast(correct, tf.float32))
    return [[prediction, logits]]


def traffic_ahead(tf):
    """STGCN: the forecast and a copy loss, handed on by collections."""
    x = tf.placeholder(tf.float32, [None, 13, 9, 1], name="data_input")
    keep_prob = tf.placeholder(tf.float32, name="keep_prob")
    inputs = x[:, 0:12]
    kernel = tf.constant(0.1, shape=[9, 9])
    tf.add_to_collection(name="graph_kernel", value=kernel)
    with tf.variable_scope("stn_block_0"):
        v = tf.layers.conv2d(inputs, 8, [3, 1])
        v = v[..., :4] * tf.sigmoid(v[..., 4:])
        v = tf.einsum("btnc,nm->btmc", v, kernel)
        v = tf.nn.relu(tf.layers.conv2d(v, 4, 1))
        v = tf.nn.dropout(v, keep_prob)
    with tf.variable_scope("output_layer"):
        v = tf.layers.conv2d(v, 8, [10, 1])
        y = tf.layers.conv2d(tf.nn.sigmoid(v), 1, 1)
    tf.add_to_collection(name="copy_loss", value=tf.nn.l2_loss(inputs[:, 11:12] - x[:, 12:13]))
    loss = tf.nn.l2_loss(y - x[:, 12:13])
    single = y[:, 0]
    tf.add_to_collection(name="y_pred", value=single)
    tf.train.RMSPropOptimizer(1e-3).minimize(loss)
    return [[single, y]]


def pairs_of_fields(tf):
    """A factorisation machine: linear terms and the half of a difference of squares."""
    X = tf.placeholder(tf.float32, [None, 20])
    y = tf.placeholder(tf.float32, [None, 1])
    w0, W = tf.Variable(tf.zeros([1])), tf.Variable(tf.zeros([20]))
    V = tf.Variable(tf.random_normal([4, 20], stddev=0.01))
    linear = tf.add(w0, tf.reduce_sum(tf.multiply(W, X), 1, keep_dims=True))
    squares = tf.pow(tf.matmul(X, tf.transpose(V)), 2)
    sums = tf.matmul(tf.pow(X, 2), tf.transpose(tf.pow(V, 2)))
    pair = tf.multiply(0.5, tf.reduce_sum(tf.subtract(squares, sums), 1, keep_dims=True))
    y_hat = tf.add(linear, pair)
    norm = tf.reduce_sum(tf.add(tf.multiply(0.001, tf.pow(W, 2)), tf.multiply(0.001, tf.pow(V, 2))))
    error = tf.reduce_mean(tf.square(tf.subtract(y, y_hat)))
    tf.train.AdagradOptimizer(0.01).minimize(tf.add(error, norm))
    return [[y_hat]]


def sparse_clicks(tf):
    """Logistic regression over sparse rows."""
    X = tf.sparse_placeholder(tf.float32)
    y = tf.placeholder(tf.float32)
    w = tf.Variable(tf.random_normal([100, 1]), name="w")
    b = tf.Variable(tf.zeros([1]), name="b")
    xw = tf.sparse_tensor_dense_matmul(X, w)
    logits = tf.reshape(xw + b, [-1])
    y_prob = tf.sigmoid(logits)
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits))
    loss += 0.01 * tf.nn.l2_loss(xw)
    tf.train.FtrlOptimizer(0.01).minimize(loss)
    return [[y_prob, logits, logits.op.inputs[0]]]


def two_iterators(tf):
    """A string handle chooses between sets; layers' names are the defaults."""
    handle = tf.placeholder(tf.string, shape=[])
    train = tf.data.Dataset.from_tensor_slices(([[0.0] * 12] * 8, [1] * 8)).batch(4)
    iterator = tf.data.Iterator.from_string_handle(
        handle, tf.data.get_output_types(train), tf.data.get_output_shapes(train)
    )
    x, y = iterator.get_next()
    tf.data.make_initializable_iterator(train).string_handle()
    net = tf.layers.dense(x, 8, tf.nn.relu)
    out = tf.layers.dense(net, 3)
    loss = tf.losses.sparse_softmax_cross_entropy(labels=y, logits=out)
    tf.train.AdamOptimizer(0.001).minimize(loss)
    tf.metrics.accuracy(labels=y, predictions=tf.argmax(out, 1))
    return [[out]]


def spoken_keywords(tf):
    """A depthwise network for commands: dropout fed, logits last."""
    fingerprint = tf.placeholder(tf.float32, [None, 490], name="fingerprint_input")
    truth = tf.placeholder(tf.int64, [None], name="groundtruth_input")
    dropout = tf.placeholder(tf.float32, name="dropout_prob")
    v = tf.reshape(fingerprint, [-1, 49, 10, 1])
    with tf.variable_scope("DS-CNN"):
        v = tf.nn.relu(tf.layers.batch_normalization(tf.layers.conv2d(v, 8, [10, 4], 2)))
        dw = tf.get_variable("depthwise_weights", [3, 3, 8, 1])
        v = tf.nn.depthwise_conv2d(v, dw, [1, 1, 1, 1], "SAME")
        v = tf.nn.relu(tf.layers.conv2d(v, 8, 1))
        v = tf.nn.dropout(tf.reduce_mean(v, [1, 2]), dropout)
        logits = tf.layers.dense(v, 12, name="fc1")
    with tf.name_scope("cross_entropy"):
        xent = tf.losses.sparse_softmax_cross_entropy(labels=truth, logits=logits)
    with tf.name_scope("train"):
        rate = tf.placeholder(tf.float32, [], name="learning_rate_input")
        tf.train.AdamOptimizer(rate).minimize(xent)
    predicted = tf.argmax(logits, 1)
    correct = tf.equal(predicted, truth)
    tf.confusion_matrix(truth, predicted, num_classes=12)
    tf.summary.scalar("accuracy", tf.reduce_mean(tf.cast(correct, tf.float32)))
    return [[logits, predicted]]


def events_in_sound(tf):
    """A CRNN: a sigmoid for every class in every frame."""
    mel = tf.placeholder(tf.float32, [None, 20, 16], "mbe")
    labels = tf.placeholder(tf.float32, [None, 20, 6], "events")
    v = tf.layers.conv2d(mel[..., None], 8, 3, padding="same", activation=tf.nn.relu)
    v = tf.layers.max_pooling2d(v, [1, 4], [1, 4])
    v = tf.reshape(v, [-1, 20, 32])
    cells = [tf.nn.rnn_cell.GRUCell(8) for _ in range(2)]
    (f, b), _ = tf.nn.bidirectional_dynamic_rnn(*cells, v, dtype=tf.float32)
    logits = tf.layers.dense(f * b, 6)
    strong = tf.sigmoid(logits)
    loss = tf.losses.sigmoid_cross_entropy(labels, logits)
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[strong, logits]]


def voices_told_apart(tf):
    """GE2E: unit embeddings of utterances, similarities scaled by two numbers."""
    batch = tf.placeholder(tf.float32, [None, 12, 10])
    lr = tf.placeholder(tf.float32)
    w = tf.get_variable("w", initializer=10.0)
    b = tf.get_variable("b", initializer=-5.0)
    with tf.variable_scope("lstm"):
        cell = tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.LSTMCell(8) for _ in range(2)])
        outputs, _ = tf.nn.dynamic_rnn(
            cell, tf.transpose(batch, [1, 0, 2]), dtype=tf.float32, time_major=False
        )
        embedded = tf.transpose(outputs, [1, 0, 2])[-1]
        embedded = embedded / tf.norm(embedded, axis=1, keepdims=True)
    split = tf.reshape(embedded, [4, 3, 8])
    center = tf.nn.l2_normalize(tf.reduce_mean(split, 1), 1)
    S = tf.abs(w) * tf.matmul(embedded, center, transpose_b=True) + b
    own = tf.constant([[float(i // 3 == j) for j in range(4)] for i in range(12)])
    loss = -tf.reduce_sum(own * S) + tf.reduce_sum(tf.log(tf.reduce_sum(tf.exp(S), 1) + 1e-6))
    opt = tf.train.GradientDescentOptimizer(lr)
    grads, vs = zip(*opt.compute_gradients(loss), strict=True)
    clipped, _ = tf.clip_by_global_norm(grads, 3.0)
    opt.apply_gradients(zip(clipped, vs, strict=True))
    return [[embedded]]


def singers_from_bands(tf):
    """Two sources out of a mixture by masks that add up."""
    x_mixed = tf.placeholder(tf.float32, shape=(None, 10, 16), name="x_mixed")
    y1 = tf.placeholder(tf.float32, shape=(None, 10, 16), name="y_src1")
    y2 = tf.placeholder(tf.float32, shape=(None, 10, 16), name="y_src2")
    cell = tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.GRUCell(8) for _ in range(2)])
    out, _ = tf.nn.dynamic_rnn(cell, x_mixed, dtype=tf.float32)
    hat1 = tf.layers.dense(out, 16, tf.nn.relu, name="y_hat_src1")
    hat2 = tf.layers.dense(out, 16, tf.nn.relu, name="y_hat_src2")
    tilde1 = hat1 / (hat1 + hat2 + 1e-9) * x_mixed
    tilde2 = hat2 / (hat1 + hat2 + 1e-9) * x_mixed
    loss = tf.reduce_mean(tf.square(y1 - tilde1) + tf.square(y2 - tilde2), name="loss")
    tf.train.AdamOptimizer(1e-4).minimize(loss)
    return [[tilde1], [tilde2]]


def forces_of_atoms(tf):
    """An energy and the forces that it gives: a gradient that is a result."""
    pos = tf.placeholder(tf.float32, [None, 6], "positions")
    e_ref = tf.placeholder(tf.float32, [None, 1], "energy_ref")
    f_ref = tf.placeholder(tf.float32, [None, 6], "forces_ref")
    h = tf.layers.dense(tf.layers.dense(pos, 12, tf.nn.tanh), 12, tf.nn.tanh)
    energy = tf.layers.dense(h, 1, name="energy")
    forces = tf.negative(tf.gradients(energy, pos)[0], name="forces")
    loss = tf.reduce_mean(tf.square(energy - e_ref)) + tf.reduce_mean(tf.square(forces - f_ref))
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[energy], [forces]]


def names_of_methods(tf):
    """code2vec: contexts weighed by attention, names by top-k of all."""
    source = tf.placeholder(tf.int32, [None, 6], "source")
    path = tf.placeholder(tf.int32, [None, 6], "path")
    target = tf.placeholder(tf.int32, [None, 6], "target")
    label = tf.placeholder(tf.int32, [None], "label")
    words = tf.get_variable("WORDS_VOCAB", [50, 4])
    paths = tf.get_variable("PATHS_VOCAB", [60, 4])
    names = tf.get_variable("TARGET_WORDS_VOCAB", [40, 12])
    attention = tf.get_variable("ATTENTION", [12, 1])
    transform = tf.get_variable("TRANSFORM", [12, 12])
    v = tf.concat([tf.gather(words, source), tf.gather(paths, path), tf.gather(words, target)], -1)
    flat = tf.tanh(tf.matmul(tf.reshape(tf.nn.dropout(v, rate=0.25), [-1, 12]), transform))
    weights = tf.nn.softmax(tf.reshape(tf.matmul(flat, attention), [-1, 6, 1]), axis=1)
    code_vectors = tf.reduce_sum(tf.reshape(flat, [-1, 6, 12]) * weights, axis=1)
    logits = tf.matmul(code_vectors, names, transpose_b=True)
    xent = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=label, logits=logits)
    tf.train.AdamOptimizer().minimize(tf.reduce_sum(xent))
    top_scores, top_names = tf.nn.top_k(logits, k=5)
    return [[top_names, top_scores, logits]]


def better_documents(tf):
    """Ranking: a document that fits against one that does not, by a shared network."""
    q = tf.placeholder(tf.float32, [None, 12], "query")
    dp = tf.placeholder(tf.float32, [None, 12], "doc_pos")
    dn = tf.placeholder(tf.float32, [None, 12], "doc_neg")

    def score(d):
        with tf.variable_scope("rank", reuse=tf.AUTO_REUSE):
            h = tf.layers.dense(tf.concat([q, d, q * d], 1), 12, tf.nn.tanh, name="h")
            return tf.squeeze(tf.layers.dense(h, 1, name="s"), 1)

    pos, neg = score(dp), score(dn)
    loss = tf.reduce_mean(tf.maximum(0.0, 1.0 - pos + neg))
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[pos, neg, pos.op.inputs[0], neg.op.inputs[0]]]


def neighbours_of_users(tf):
    """NGCF: embeddings passed along a graph; ratings of all items for a batch."""
    users = tf.placeholder(tf.int32, shape=(None,))
    pos_items = tf.placeholder(tf.int32, shape=(None,))
    neg_items = tf.placeholder(tf.int32, shape=(None,))
    u = tf.Variable(tf.random_normal([20, 6]), name="user_embedding")
    i = tf.Variable(tf.random_normal([30, 6]), name="item_embedding")
    adj = tf.SparseTensor([[0, 20], [20, 0]], [0.5, 0.5], [50, 50])
    ego = tf.concat([u, i], axis=0)
    layers = [ego]
    for k in range(2):
        w = tf.Variable(tf.random_normal([6, 6]), name=f"W_gc_{k}")
        ego = tf.nn.leaky_relu(tf.matmul(tf.sparse_tensor_dense_matmul(adj, ego), w))
        layers.append(tf.nn.l2_normalize(ego, 1))
    ua, ia = tf.split(tf.concat(layers, 1), [20, 30], 0)
    ue, pe, ne = (
        tf.nn.embedding_lookup(t, x) for t, x in ((ua, users), (ia, pos_items), (ia, neg_items))
    )
    batch_ratings = tf.matmul(ue, pe, transpose_a=False, transpose_b=True)
    pos, neg = tf.reduce_sum(ue * pe, 1), tf.reduce_sum(ue * ne, 1)
    reg = (tf.nn.l2_loss(ue) + tf.nn.l2_loss(pe) + tf.nn.l2_loss(ne)) / 8
    tf.train.AdamOptimizer(1e-3).minimize(-tf.reduce_mean(tf.log_sigmoid(pos - neg)) + 1e-4 * reg)
    return [[batch_ratings]]


def videos_to_watch(tf):
    """Candidates for a user: a vector, sampled softmax to train, the best of all by top-k."""
    history = tf.placeholder(tf.int32, [None, 5], "history")
    profile = tf.placeholder(tf.float32, [None, 4], "profile")
    watched = tf.placeholder(tf.int64, [None, 1], "label")
    table = tf.get_variable("item_emb", [50, 8])
    v = tf.concat([tf.reduce_mean(tf.gather(table, history), 1), profile], 1)
    user = tf.layers.dense(tf.layers.dense(v, 16, tf.nn.relu), 8, tf.nn.relu)
    w, b = tf.get_variable("nce_w", [50, 8]), tf.get_variable("nce_b", [50])
    loss = tf.reduce_mean(tf.nn.sampled_softmax_loss(w, b, watched, user, 10, 50))
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    logits = tf.matmul(user, w, transpose_b=True) + b
    scores, items = tf.nn.top_k(tf.nn.softmax(logits), 10)
    return [[items, scores, logits, scores.op.inputs[0]], [user]]
