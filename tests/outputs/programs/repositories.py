"""Networks as in widely copied repositories of TensorFlow 1 (see `programs.py`)."""


def tagger_with_decoder(tf):
    """As tf.contrib.crf: a conditional around Viterbi's loops, whose results are Merge nodes."""
    chars = tf.placeholder(tf.int32, [None, None], name="ChatInputs")
    targets = tf.placeholder(tf.int32, [None, None], name="Targets")
    dropout = tf.placeholder(tf.float32, name="Dropout")
    lengths = tf.cast(tf.reduce_sum(tf.sign(tf.abs(chars)), reduction_indices=1), tf.int32)
    with tf.variable_scope("char_embedding"):
        table = tf.get_variable("char_embedding", [60, 10])
        rows = tf.nn.dropout(tf.nn.embedding_lookup(table, chars), dropout)
    with tf.variable_scope("char_BiLSTM"):
        cells = [tf.nn.rnn_cell.LSTMCell(8, name=n) for n in ("forward", "backward")]
        both, _ = tf.nn.bidirectional_dynamic_rnn(*cells, rows, lengths, dtype=tf.float32)
    with tf.variable_scope("project"):
        flat = tf.reshape(tf.concat(both, 2), [-1, 16])
        hidden = tf.tanh(
            tf.nn.xw_plus_b(flat, tf.get_variable("W", [16, 8]), tf.get_variable("b", [8]))
        )
        pred = tf.nn.xw_plus_b(hidden, tf.get_variable("W2", [8, 5]), tf.get_variable("b2", [5]))
        logits = tf.reshape(pred, [-1, tf.shape(chars)[1], 5], name="logits")
    with tf.variable_scope("crf_loss"):
        trans = tf.get_variable("transitions", shape=[5, 5])
        unary = tf.reduce_sum(tf.one_hot(targets, 5) * logits, [1, 2])
        pairs = tf.gather_nd(trans, tf.stack([targets[:, :-1], targets[:, 1:]], 2))
        alphas = tf.reduce_logsumexp(logits[:, 0] + tf.reduce_logsumexp(trans, 0), 1)
        loss = tf.reduce_mean(-(unary + tf.reduce_sum(pairs, 1) - alphas))

    def single():
        return tf.cast(tf.argmax(logits, 2), tf.int32), tf.reduce_max(logits, [1, 2])

    def several():
        state = tf.expand_dims(logits[:, 0], 2) + trans
        best = tf.map_fn(
            lambda row: tf.cast(tf.argmax(row + state[0, 0], 1), tf.int32), logits, dtype=tf.int32
        )
        return tf.reverse(best, [1]), tf.reduce_max(tf.reduce_max(state, 1), 1)

    tags, _ = tf.cond(tf.equal(tf.shape(logits)[1], 1), single, several)
    with tf.variable_scope("optimizer"):
        optimizer = tf.train.AdamOptimizer(0.001)
        pairs = [
            (tf.clip_by_value(g, -5.0, 5.0), v)
            for g, v in optimizer.compute_gradients(loss)
            if g is not None
        ]
        optimizer.apply_gradients(pairs)
    return [[tags, logits, pred]]


def face_cascade(tf):
    images = tf.placeholder(tf.float32, [384, 12, 12, 3], name="input_image")
    label = tf.placeholder(tf.float32, [384], name="label")
    target = tf.placeholder(tf.float32, [384, 4], name="bbox_target")
    value = tf.layers.conv2d(images, 10, 3, name="conv1", activation=tf.nn.relu)
    value = tf.layers.max_pooling2d(value, 2, 2, name="pool1")
    value = tf.layers.conv2d(value, 16, 3, name="conv2", activation=tf.nn.relu)
    value = tf.layers.conv2d(value, 32, 3, name="conv3", activation=tf.nn.relu)
    scores = tf.layers.conv2d(value, 2, 1, name="conv4_1", activation=tf.nn.softmax)
    boxes = tf.layers.conv2d(value, 4, 1, name="conv4_2")
    cls_prob = tf.squeeze(scores, [1, 2], name="cls_prob")
    flat = tf.reshape(cls_prob, [-1, 1])
    index = tf.range(384) * 2 + tf.cast(tf.where(label < 0, tf.zeros_like(label), label), tf.int32)
    entropy = -tf.log(tf.squeeze(tf.gather(flat, index)) + 1e-10)
    hard, _ = tf.nn.top_k(entropy, k=100)
    bbox_pred = tf.squeeze(boxes, [1, 2], name="bbox_pred")
    square = tf.reduce_sum(tf.square(bbox_pred - target), axis=1)
    best = tf.argmax(cls_prob, axis=1)
    tf.reduce_mean(tf.cast(tf.equal(best, tf.cast(label, tf.int64)), tf.float32))
    loss = tf.reduce_mean(hard) + 0.5 * tf.reduce_mean(square)
    tf.train.MomentumOptimizer(0.01, 0.9).minimize(loss, tf.Variable(0, trainable=False))
    return [[cls_prob, scores, best], [bbox_pred, boxes]]


def novel_writer(tf):
    inputs = tf.placeholder(tf.int32, [10, 8], name="inputs")
    targets = tf.placeholder(tf.int32, [10, 8], name="targets")
    keep_prob = tf.placeholder(tf.float32, name="keep_prob")
    cell = tf.nn.rnn_cell.DropoutWrapper(
        tf.nn.rnn_cell.BasicLSTMCell(16), output_keep_prob=keep_prob
    )
    initial = cell.zero_state(10, tf.float32)
    outputs, state = tf.nn.dynamic_rnn(cell, tf.one_hot(inputs, 30), initial_state=initial)
    flat = tf.reshape(tf.concat(outputs, axis=1), [-1, 16])
    with tf.variable_scope("softmax"):
        w = tf.Variable(tf.truncated_normal((16, 30), stddev=0.1))
        b = tf.Variable(tf.zeros(30))
    logits = tf.matmul(flat, w) + b
    out = tf.nn.softmax(logits, name="predictions")
    wanted = tf.reshape(tf.one_hot(targets, 30), logits.get_shape())
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=wanted))
    variables = tf.trainable_variables()
    gradients, _ = tf.clip_by_global_norm(tf.gradients(loss, variables), 5)
    tf.train.AdamOptimizer(0.001).apply_gradients(zip(gradients, variables, strict=True))
    assert state is not None
    return [[out, logits]]


def book_network(tf):
    X = tf.placeholder(tf.float32, shape=(None, 784), name="X")
    y = tf.placeholder(tf.int32, shape=(None), name="y")

    def neurons(value, width, name, activation=None):
        with tf.name_scope(name):
            size = int(value.get_shape()[1])
            W = tf.Variable(tf.truncated_normal((size, width), stddev=0.05), name="kernel")
            b = tf.Variable(tf.zeros([width]), name="bias")
            Z = tf.matmul(value, W) + b
            return Z if activation is None else activation(Z)

    with tf.name_scope("dnn"):
        hidden = neurons(X, 30, "hidden1", tf.nn.relu)
        hidden = neurons(hidden, 20, "hidden2", tf.nn.relu)
        logits = neurons(hidden, 10, "outputs")
    with tf.name_scope("loss"):
        entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
        loss = tf.reduce_mean(entropy, name="loss")
    with tf.name_scope("train"):
        tf.train.GradientDescentOptimizer(0.01).minimize(loss)
    with tf.name_scope("eval"):
        tf.reduce_mean(tf.cast(tf.nn.in_top_k(logits, y, 1), tf.float32))
    return [[logits]]


def picture_to_picture(tf):
    real = tf.placeholder(tf.float32, [1, 16, 16, 6], name="real_A_and_B_images")
    real_B, real_A = real[:, :, :, :3], real[:, :, :, 3:6]

    def generator(image):
        with tf.variable_scope("generator"):
            e1 = tf.layers.conv2d(image, 8, 5, strides=2, padding="same", name="g_e1_conv")
            e2 = tf.layers.conv2d(
                tf.nn.leaky_relu(e1), 8, 5, strides=2, padding="same", name="g_e2"
            )
            e2 = tf.layers.batch_normalization(e2, training=True, name="g_bn_e2")
            d1 = tf.layers.conv2d_transpose(
                tf.nn.relu(e2), 8, 5, strides=2, padding="same", name="g_d1"
            )
            d1 = tf.concat([tf.nn.dropout(d1, 0.5), e1], 3)
            return tf.nn.tanh(
                tf.layers.conv2d_transpose(
                    tf.nn.relu(d1), 3, 5, strides=2, padding="same", name="g_d2"
                )
            )

    def discriminator(image, reuse):
        with tf.variable_scope("discriminator", reuse=reuse):
            h = tf.nn.leaky_relu(tf.layers.conv2d(image, 8, 5, strides=2, name="d_h0_conv"))
            h = tf.layers.dense(tf.reshape(h, [1, -1]), 1, name="d_h3_lin")
            return tf.nn.sigmoid(h), h

    fake_B = generator(real_A)
    D, D_logits = discriminator(tf.concat([real_A, real_B], 3), False)
    D_, D_logits_ = discriminator(tf.concat([real_A, fake_B], 3), True)
    tf.summary.histogram("d", D)
    tf.summary.histogram("d_", D_)
    tf.summary.image("fake_B", fake_B)

    def entropy(logits, like, make):
        both = tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=make(like))
        return tf.reduce_mean(both)

    d_loss = entropy(D_logits, D, tf.ones_like) + entropy(D_logits_, D_, tf.zeros_like)
    g_loss = entropy(D_logits_, D_, tf.ones_like) + 100.0 * tf.reduce_mean(tf.abs(real_B - fake_B))
    tf.summary.scalar("g_loss", g_loss)
    for prefix, loss in (("d_", d_loss), ("g_", g_loss)):
        mine = [v for v in tf.trainable_variables() if prefix in v.name]
        tf.train.AdamOptimizer(2e-4, beta1=0.5).minimize(loss, var_list=mine)
    return [[fake_B, fake_B.op.inputs[0]]]


def critic_with_penalty(tf):
    real = tf.placeholder(tf.float32, [None, 40])
    z = tf.random_normal([tf.shape(real)[0], 8])

    def net(value, scope, width):
        with tf.variable_scope(scope, reuse=tf.AUTO_REUSE):
            return tf.layers.dense(
                tf.layers.dense(value, 30, tf.nn.relu, name="a"), width, name="b"
            )

    fake = tf.sigmoid(net(z, "Generator", 40))
    real_score, fake_score = (net(value, "Critic", 1) for value in (real, fake))
    gen_cost = -tf.reduce_mean(fake_score)
    disc_cost = tf.reduce_mean(fake_score) - tf.reduce_mean(real_score)
    mixed = real + tf.random_uniform([tf.shape(real)[0], 1]) * (fake - real)
    gradients = tf.gradients(net(mixed, "Critic", 1), [mixed])[0]
    slopes = tf.sqrt(tf.reduce_sum(tf.square(gradients), reduction_indices=[1]))
    disc_cost += 10 * tf.reduce_mean((slopes - 1.0) ** 2)
    for scope, cost in (("Generator", gen_cost), ("Critic", disc_cost)):
        mine = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope)
        tf.train.AdamOptimizer(1e-4, 0.5, 0.9).minimize(cost, var_list=mine)
    return [[fake, fake.op.inputs[0]]]


def secret_keepers(tf):
    def mixer(value, name, key=None):
        both = value if key is None else tf.concat([value, key], 1)
        with tf.variable_scope(name):
            dense = tf.layers.dense(both, 16, tf.nn.sigmoid, use_bias=False)
            conv = tf.layers.conv1d(tf.expand_dims(dense, 2), 2, 4, padding="same", name="conv1")
            conv = tf.layers.conv1d(tf.nn.sigmoid(conv), 1, 1, padding="same", name="conv2")
            return tf.squeeze(tf.nn.tanh(conv), 2)

    message = tf.placeholder(tf.float32, [None, 8], name="message")
    key = tf.placeholder(tf.float32, [None, 8], name="key")
    sent = mixer(message, "alice", key)
    bob, eve = mixer(sent, "bob", key), mixer(sent, "eve")
    bob_loss = tf.reduce_mean(tf.abs(message - bob[:, :8]))
    eve_loss = tf.reduce_mean(tf.abs(message - eve[:, :8]))
    for names, loss in ((("alice", "bob"), bob_loss + (1.0 - eve_loss) ** 2), (("eve",), eve_loss)):
        mine = [v for v in tf.trainable_variables() if v.name.startswith(names)]
        tf.train.AdamOptimizer(0.0008).minimize(loss, var_list=mine)
    return [[sent, sent.op.inputs[0]], [bob, bob.op.inputs[0]], [eve, eve.op.inputs[0]]]


def factorisation_and_depth(tf):
    index = tf.placeholder(tf.int32, [None, None], name="feat_index")
    value = tf.placeholder(tf.float32, [None, None], name="feat_value")
    label = tf.placeholder(tf.float32, [None, 1], name="label")
    keep = tf.placeholder(tf.float32, [None], name="dropout_keep_fm")
    phase = tf.placeholder(tf.bool, name="train_phase")
    table = tf.Variable(tf.random_normal([90, 4], 0.0, 0.01), name="feature_embeddings")
    slopes = tf.Variable(tf.random_uniform([90, 1], 0.0, 1.0), name="feature_bias")
    feats = tf.reshape(value, [-1, 6, 1])
    rows = tf.multiply(tf.nn.embedding_lookup(table, index), feats)
    first = tf.reduce_sum(tf.multiply(tf.nn.embedding_lookup(slopes, index), feats), 2)
    first = tf.nn.dropout(first, keep[0])
    squares = tf.square(tf.reduce_sum(rows, 1)), tf.reduce_sum(tf.square(rows), 1)
    second = 0.5 * tf.subtract(*squares)
    deep = tf.reshape(rows, [-1, 24])
    deep = tf.add(tf.matmul(deep, tf.Variable(tf.zeros([24, 16]))), tf.Variable(tf.zeros([1, 16])))
    deep = tf.nn.relu(tf.layers.batch_normalization(deep, training=phase))
    joined = tf.concat([first, second, deep], axis=1)
    projection = tf.Variable(tf.zeros([26, 1]), name="concat_projection")
    logits = tf.add(tf.matmul(joined, projection), tf.Variable(0.01, name="concat_bias"))
    out = tf.nn.sigmoid(logits)
    loss = tf.losses.log_loss(label, out) + 0.01 * tf.nn.l2_loss(projection)
    tf.train.AdamOptimizer(0.001).minimize(loss)
    return [[out, logits]]


def captcha(tf):
    X = tf.placeholder(tf.float32, [None, 20 * 40])
    Y = tf.placeholder(tf.float32, [None, 4 * 10])
    keep_prob = tf.placeholder(tf.float32)
    x = tf.reshape(X, shape=[-1, 20, 40, 1])
    w_c1 = tf.Variable(0.01 * tf.random_normal([3, 3, 1, 8]))
    b_c1 = tf.Variable(0.1 * tf.random_normal([8]))
    conv = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, w_c1, [1, 1, 1, 1], "SAME"), b_c1))
    conv = tf.nn.dropout(tf.nn.max_pool(conv, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"), keep_prob)
    w_d = tf.Variable(0.01 * tf.random_normal([10 * 20 * 8, 32]))
    dense = tf.reshape(conv, [-1, w_d.get_shape().as_list()[0]])
    dense = tf.nn.dropout(tf.nn.relu(tf.matmul(dense, w_d)), keep_prob)
    out = tf.add(
        tf.matmul(dense, tf.Variable(0.01 * tf.random_normal([32, 40]))),
        tf.Variable(0.1 * tf.random_normal([40])),
    )
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=out, labels=Y))
    tf.train.AdamOptimizer(learning_rate=0.001).minimize(loss)
    predict = tf.reshape(out, [-1, 4, 10])
    best = tf.argmax(predict, 2)
    correct = tf.equal(best, tf.argmax(tf.reshape(Y, [-1, 4, 10]), 2))
    tf.reduce_mean(tf.cast(correct, tf.float32))
    return [[out, predict, best]]


def citation_graph(tf):
    features = tf.sparse_placeholder(tf.float32, shape=(50, 30), name="features")
    support = tf.sparse_placeholder(tf.float32, name="support")
    labels = tf.placeholder(tf.float32, shape=(None, 7), name="labels")
    mask = tf.placeholder(tf.int32, name="labels_mask")
    dropout = tf.placeholder_with_default(0.0, shape=(), name="dropout")
    weights = []
    with tf.variable_scope("gcn"):
        with tf.name_scope("graphconvolution_1"):
            weights.append(tf.get_variable("weights_0", [30, 16]))
            pre = tf.sparse_tensor_dense_matmul(features, weights[0])
            value = tf.nn.relu(tf.sparse_tensor_dense_matmul(support, pre))
            tf.summary.histogram("outputs", value)
        with tf.name_scope("graphconvolution_2"):
            weights.append(tf.get_variable("weights_1", [16, 7]))
            pre = tf.matmul(tf.nn.dropout(value, 1 - dropout), weights[1])
            outputs = tf.add_n([tf.sparse_tensor_dense_matmul(support, pre)])
    loss = 5e-4 * tf.nn.l2_loss(weights[0])
    entropy = tf.nn.softmax_cross_entropy_with_logits(logits=outputs, labels=labels)
    weight = tf.cast(mask, dtype=tf.float32)
    weight /= tf.reduce_mean(weight)
    loss += tf.reduce_mean(entropy * weight)
    correct = tf.equal(tf.argmax(outputs, 1), tf.argmax(labels, 1))
    tf.reduce_mean(tf.cast(correct, tf.float32) * weight)
    tf.train.AdamOptimizer(0.01).minimize(loss)
    predictions = tf.nn.softmax(outputs)
    return [[outputs, predictions, outputs.op.inputs[0], correct.op.inputs[0]]]


def retrained_top(tf):
    image = tf.placeholder(tf.float32, [None, 20, 20, 3], name="Placeholder")
    frozen = tf.constant(0.1, shape=[3, 3, 3, 12], name="frozen_kernel")
    pooled = tf.reduce_mean(tf.nn.relu(tf.nn.conv2d(image, frozen, [1, 2, 2, 1], "SAME")), [1, 2])
    with tf.name_scope("input"):
        bottleneck = tf.placeholder_with_default(
            pooled, [None, 12], name="BottleneckInputPlaceholder"
        )
        truth = tf.placeholder(tf.int64, [None], name="GroundTruthInput")
    with tf.name_scope("final_retrain_ops"):
        with tf.name_scope("weights"):
            w = tf.Variable(tf.truncated_normal([12, 5], stddev=0.001), name="final_weights")
            tf.summary.histogram("histogram", w)
        with tf.name_scope("biases"):
            b = tf.Variable(tf.zeros([5]), name="final_biases")
        with tf.name_scope("Wx_plus_b"):
            logits = tf.matmul(bottleneck, w) + b
            tf.summary.histogram("pre_activations", logits)
    final = tf.nn.softmax(logits, name="final_result")
    tf.summary.histogram("activations", final)
    with tf.name_scope("cross_entropy"):
        mean = tf.losses.sparse_softmax_cross_entropy(labels=truth, logits=logits)
    with tf.name_scope("train"):
        tf.train.GradientDescentOptimizer(0.01).minimize(mean)
    with tf.name_scope("accuracy"):
        with tf.name_scope("correct_prediction"):
            prediction = tf.argmax(final, 1)
            correct = tf.equal(prediction, truth)
        with tf.name_scope("accuracy"):
            tf.reduce_mean(tf.cast(correct, tf.float32))
    return [[final, logits, prediction]]


def stacked_keras(tf):
    from tensorflow.compat.v1 import keras

    model = keras.Sequential(
        [
            keras.layers.Embedding(80, 12, input_length=10),
            keras.layers.LSTM(16, return_sequences=True),
            keras.layers.LSTM(8),
            keras.layers.Dense(4, activation="relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(tf.train.AdamOptimizer(0.01), "binary_crossentropy", metrics=["accuracy"])
    model._make_train_function()
    model._make_test_function()
    return [[model.output, model.output.op.inputs[0]]]


def descent_by_hand(tf):
    X = tf.constant([[1.0, 2.0], [1.0, 3.0], [1.0, 5.0]], name="X")
    y = tf.constant([[1.0], [2.0], [4.0]], name="y")
    theta = tf.Variable(tf.random_uniform([2, 1], -1.0, 1.0, seed=42), name="theta")
    y_pred = tf.matmul(X, theta)
    error = y_pred - y
    tf.reduce_mean(tf.square(error), name="mse")
    gradients = 2 / 3 * tf.matmul(tf.transpose(X), error)
    tf.assign(theta, theta - 0.01 * gradients)
    return [[y_pred]]


def detector_in_scales(tf):
    image = tf.placeholder(tf.float32, [None, 32, 32, 3], name="image")
    boxes, kinds = (tf.placeholder(tf.float32, [None, None, n]) for n in (4, 6))
    value = tf.layers.conv2d(image, 8, 3, strides=4, padding="same", activation=tf.nn.relu)
    places, classes = [], []
    for i in range(3):
        with tf.variable_scope(f"BoxPredictor_{i}"):
            place = tf.layers.conv2d(value, 8, 3, padding="same", name="BoxEncodingPredictor")
            kind = tf.layers.conv2d(value, 12, 3, padding="same", name="ClassPredictor")
            places.append(tf.reshape(place, [tf.shape(place)[0], -1, 4]))
            classes.append(tf.reshape(kind, [tf.shape(kind)[0], -1, 6]))
        value = tf.layers.conv2d(value, 8, 3, strides=2, padding="same", activation=tf.nn.relu)
    all_places, all_classes = tf.concat(places, 1), tf.concat(classes, 1)
    with tf.name_scope("Loss"):
        entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=kinds, logits=all_classes)
        location = tf.losses.huber_loss(boxes, all_places)
        total = tf.reduce_sum(entropy) + location
    tf.train.RMSPropOptimizer(0.01).minimize(total)
    return [[all_places], [all_classes]]


def differential_equation(tf):
    x, t, u = (tf.placeholder(tf.float32, [None, 1]) for _ in range(3))
    x_f, t_f = (tf.placeholder(tf.float32, [None, 1]) for _ in range(2))
    sizes = [(2, 20), (20, 20), (20, 1)]
    weights = [tf.Variable(tf.truncated_normal(list(size), stddev=0.1)) for size in sizes]
    biases = [tf.Variable(tf.zeros([1, size[1]])) for size in sizes]

    def net(*parts):
        value = 2.0 * (tf.concat(parts, 1) + 1.0) / 2.0 - 1.0
        for w, b in zip(weights[:-1], biases[:-1], strict=True):
            value = tf.tanh(tf.add(tf.matmul(value, w), b))
        return tf.add(tf.matmul(value, weights[-1]), biases[-1])

    u_pred, inner = net(x, t), net(x_f, t_f)
    u_t, u_x = tf.gradients(inner, t_f)[0], tf.gradients(inner, x_f)[0]
    f_pred = u_t + inner * u_x - 0.003 * tf.gradients(u_x, x_f)[0]
    loss = tf.reduce_mean(tf.square(u - u_pred)) + tf.reduce_mean(tf.square(f_pred))
    tf.train.AdamOptimizer().minimize(loss)
    return [[u_pred, inner]]
