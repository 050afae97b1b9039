"""Habits of programs of TensorFlow 1 that mislead (see `programs.py`)."""


def street_signs(tf):
    """Preprocessing in the graph, an L2 term by hand, top-k for the report."""
    images_ph = tf.placeholder(tf.uint8, [None, 32, 32, 3], name="images_ph")
    labels_ph = tf.placeholder(tf.int32, [None], name="labels_ph")
    value = (tf.cast(images_ph, tf.float32) - 128.0) / 128.0
    for depth in (6, 16):
        value = tf.layers.conv2d(value, depth, 5)
        value = tf.nn.max_pool(tf.nn.relu(value), [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    value = tf.layers.dense(tf.layers.flatten(value), 40, tf.nn.relu)
    logits = tf.layers.dense(value, 43)
    prediction = tf.argmax(logits, 1, name="prediction")
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=labels_ph)
    kernels = [v for v in tf.trainable_variables() if "kernel" in v.name]
    loss = tf.reduce_mean(entropy) + 0.001 * tf.add_n([tf.nn.l2_loss(v) for v in kernels])
    tf.train.AdamOptimizer(0.001).minimize(loss)
    tf.nn.top_k(tf.nn.softmax(logits), k=5)
    tf.reduce_mean(tf.cast(tf.equal(tf.cast(prediction, tf.int32), labels_ph), tf.float32))
    return [[prediction, logits]]


def steering(tf):
    x = tf.placeholder(tf.float32, shape=[None, 66, 200, 3])
    y_ = tf.placeholder(tf.float32, shape=[None, 1])
    keep_prob = tf.placeholder(tf.float32)
    value = x
    for size, depth in ((5, 24), (5, 36), (3, 64)):
        W = tf.Variable(tf.truncated_normal([size, size, int(value.shape[3]), depth], stddev=0.1))
        b = tf.Variable(tf.constant(0.1, shape=[depth]))
        value = tf.nn.relu(tf.nn.conv2d(value, W, [1, 2, 2, 1], "VALID") + b)
    width = int(value.shape[1]) * int(value.shape[2]) * 64
    W = tf.Variable(tf.truncated_normal([width, 10], stddev=0.1))
    value = tf.nn.relu(tf.matmul(tf.reshape(value, [-1, width]), W) + tf.Variable(tf.zeros([10])))
    value = tf.nn.dropout(value, keep_prob)
    W = tf.Variable(tf.truncated_normal([10, 1], stddev=0.1))
    y = tf.multiply(tf.atan(tf.matmul(value, W) + tf.Variable(tf.zeros([1]))), 2)
    loss = tf.reduce_mean(tf.square(tf.subtract(y_, y)))
    loss += tf.add_n([tf.nn.l2_loss(v) for v in tf.trainable_variables()]) * 0.001
    tf.train.AdamOptimizer(1e-4).minimize(loss)
    tf.summary.scalar("loss", loss)
    return [[y, y.op.inputs[0]]]


def conditional_driving(tf):
    images = tf.placeholder(tf.float32, [None, 44, 100, 3], name="input_image")
    command = [tf.placeholder(tf.float32, [None, n]) for n in (4, 1)]
    wanted = tf.placeholder(tf.float32, [None, 3], name="target_control")
    dout = tf.placeholder(tf.float32, [None], name="dropout")
    with tf.name_scope("Network"):
        value = tf.layers.flatten(tf.layers.conv2d(images, 8, 5, strides=4, activation=tf.nn.relu))
        speed = tf.layers.dense(command[1], 8, tf.nn.relu)
        joined = tf.nn.dropout(tf.concat([value, speed], 1), dout[0])
        branches = []
        for i in range(3):
            with tf.name_scope(f"Branch_{i}"):
                hidden = tf.layers.dense(joined, 16, tf.nn.relu)
                branches.append(tf.layers.dense(hidden, 3, name=f"fc_{i}"))
    loss = 0.0
    for i, branch in enumerate(branches):
        squares = tf.square(tf.subtract(branch, wanted)) * command[0][:, i : i + 1]
        loss += tf.reduce_mean(squares) / 3
    tf.train.AdamOptimizer(0.0002).minimize(loss, name="optimizer")
    return [[branch] for branch in branches]


def text_in_scenes(tf):
    images = tf.placeholder(tf.float32, [None, None, None, 3], name="input_images")
    score = tf.placeholder(tf.float32, [None, None, None, 1], name="input_score_maps")
    geo = tf.placeholder(tf.float32, [None, None, None, 5], name="input_geo_maps")
    mask = tf.placeholder(tf.float32, [None, None, None, 1], name="input_training_masks")
    step = tf.get_variable("global_step", [], initializer=tf.zeros_initializer(), trainable=False)
    with tf.variable_scope("feature_fusion"):
        value = tf.layers.conv2d(images - [123.0, 116.0, 103.0], 8, 3, strides=4, padding="same")
        value = tf.nn.relu(tf.layers.batch_normalization(value, training=True))
        F_score = tf.layers.conv2d(value, 1, 1, activation=tf.nn.sigmoid, name="score_map")
        geo_map = tf.layers.conv2d(value, 4, 1, activation=tf.nn.sigmoid, name="geo") * 512
        angle = (tf.layers.conv2d(value, 1, 1, activation=tf.nn.sigmoid) - 0.5) * 3.14 / 2
        F_geometry = tf.concat([geo_map, angle], axis=-1)
    overlap = tf.reduce_sum(score * F_score * mask)
    dice = 1.0 - 2 * overlap / (tf.reduce_sum(score * mask) + tf.reduce_sum(F_score * mask) + 1e-5)
    parts = list(zip(tf.split(geo, 5, 3), tf.split(F_geometry, 5, 3), strict=True))
    area = sum(tf.abs(a - b) for a, b in parts[:4])
    turned = 1 - tf.cos(parts[4][1] - parts[4][0])
    loss = tf.reduce_mean((area + 20 * turned) * score * mask) + dice * 0.01
    tf.summary.image("score_map_pred", F_score * 255)
    averages = tf.train.ExponentialMovingAverage(0.997, step)
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        optimizer = tf.train.AdamOptimizer(0.0001)
        applied = optimizer.apply_gradients(optimizer.compute_gradients(loss), global_step=step)
    with tf.control_dependencies([applied, averages.apply(tf.trainable_variables())]):
        tf.no_op(name="train_op")
    return [[F_score, F_score.op.inputs[0]], [F_geometry]]


def yolo_like(tf):
    inputs = tf.placeholder(tf.float32, [None, 64, 64, 3], name="inputs")
    truth = tf.placeholder(tf.float32, [None, 4, 4, 2, 8], name="y_true")
    value = tf.layers.conv2d(inputs, 8, 3, strides=16, padding="same", name="backbone")
    value = tf.nn.leaky_relu(tf.layers.batch_normalization(value, training=False), alpha=0.1)
    feature = tf.layers.conv2d(value, 16, 1, name="yolo_head")
    grid = tf.reshape(feature, [-1, 4, 4, 2, 8])
    centres, sizes, confidence, kinds = tf.split(grid, [2, 2, 1, 3], axis=-1)
    offsets = tf.constant(0.5, shape=[4, 4, 1, 2])
    centres = (tf.nn.sigmoid(centres) + offsets) * 16
    sizes = tf.exp(sizes) * tf.constant([[10.0, 13.0], [16.0, 30.0]])
    boxes = tf.reshape(tf.concat([centres - sizes / 2, centres + sizes / 2], -1), [-1, 32, 4])
    scores = tf.reshape(tf.nn.sigmoid(confidence) * tf.nn.sigmoid(kinds), [-1, 32, 3])
    boxes, scores = tf.identity(boxes, name="pred_boxes"), tf.identity(scores, name="pred_scores")
    place = tf.reduce_sum(tf.square(truth[..., :4] - grid[..., :4]) * truth[..., 4:5])
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=truth[..., 4:], logits=grid[..., 4:])
    tf.train.AdamOptimizer(1e-4).minimize(place + tf.reduce_sum(entropy))
    return [[boxes], [scores], [grid, feature]]


def capsules(tf):
    X = tf.placeholder(tf.float32, [None, 28, 28, 1], name="X")
    y = tf.placeholder(tf.int64, [None], name="y")
    labelled = tf.placeholder_with_default(False, shape=(), name="mask_with_labels")

    def squash(s, axis=-1, name=None):
        with tf.name_scope(name, default_name="squash"):
            squared = tf.reduce_sum(tf.square(s), axis=axis, keep_dims=True)
            return squared / (1.0 + squared) * s / tf.sqrt(squared + 1e-7)

    conv = tf.layers.conv2d(X, 16, 9, strides=4, activation=tf.nn.relu, name="conv1")
    caps = squash(tf.reshape(conv, [-1, 50, 8]), name="caps1_output")
    W = tf.Variable(tf.random_normal([1, 50, 10, 16, 8], stddev=0.1), name="W")
    tiled = tf.tile(W, [tf.shape(X)[0], 1, 1, 1, 1])
    part = tf.tile(tf.expand_dims(tf.expand_dims(caps, -1), 2), [1, 1, 10, 1, 1])
    predicted = tf.matmul(tiled, part, name="caps2_predicted")
    raw = tf.zeros([tf.shape(X)[0], 50, 10, 1, 1])
    for _ in range(2):
        weights = tf.nn.softmax(raw, axis=2)
        output = squash(tf.reduce_sum(weights * predicted, 1, keep_dims=True), axis=-2)
        raw += tf.matmul(predicted, tf.tile(output, [1, 50, 1, 1, 1]), transpose_a=True)
    lengths = tf.sqrt(
        tf.reduce_sum(tf.square(output), axis=-2, keep_dims=True) + 1e-7, name="y_proba"
    )
    best = tf.argmax(lengths, axis=2)
    y_pred = tf.squeeze(best, axis=[1, 2, 3], name="y_pred")
    T = tf.one_hot(y, depth=10)
    flat = tf.reshape(lengths, [-1, 10])
    present, absent = tf.square(tf.maximum(0.0, 0.9 - flat)), tf.square(tf.maximum(0.0, flat - 0.1))
    margin = tf.reduce_mean(tf.reduce_sum(T * present + 0.5 * (1.0 - T) * absent, axis=1))
    target = tf.cond(labelled, lambda: y, lambda: y_pred, name="reconstruction_targets")
    masked = tf.multiply(output, tf.reshape(tf.one_hot(target, 10), [-1, 1, 10, 1, 1]))
    with tf.name_scope("decoder"):
        hidden = tf.layers.dense(tf.reshape(masked, [-1, 160]), 32, tf.nn.relu)
        decoded = tf.layers.dense(hidden, 784, tf.nn.sigmoid, name="decoder_output")
    squares = tf.square(tf.reshape(X, [-1, 784]) - decoded, name="squared_difference")
    loss = margin + 0.0005 * tf.reduce_mean(squares, name="reconstruction_loss")
    tf.reduce_mean(tf.cast(tf.equal(y, y_pred), tf.float32), name="accuracy")
    tf.train.AdamOptimizer().minimize(loss, name="training_op")
    return [[y_pred, lengths, best], [decoded, decoded.op.inputs[0]]]


def attentive_documents(tf):
    x = tf.placeholder(tf.int32, [None, 6, 10], name="input_x")
    y = tf.placeholder(tf.float32, [None, 5], name="input_y")
    rows = tf.nn.embedding_lookup(tf.Variable(tf.random_normal([90, 12])), tf.reshape(x, [-1, 10]))

    def attend(value, name):
        with tf.variable_scope(name):
            cells = [tf.nn.rnn_cell.GRUCell(8) for _ in range(2)]
            both, _ = tf.nn.bidirectional_dynamic_rnn(*cells, value, dtype=tf.float32)
            value = tf.concat(both, 2)
            hidden = tf.layers.dense(value, 16, tf.nn.tanh)
            context = tf.Variable(tf.truncated_normal([16]), name="u_context")
            alpha = tf.nn.softmax(tf.reduce_sum(hidden * context, 2, keep_dims=True), axis=1)
            return tf.reduce_sum(value * alpha, axis=1)

    sentences = tf.reshape(attend(rows, "word"), [-1, 6, 16])
    out = tf.layers.dense(attend(sentences, "sentence"), 5, name="doc_classification")
    with tf.name_scope("loss"):
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=out))
    with tf.name_scope("accuracy"):
        predict = tf.argmax(out, axis=1, name="predict")
        tf.reduce_mean(tf.cast(tf.equal(predict, tf.argmax(y, 1)), tf.float32), name="acc")
    tf.train.AdamOptimizer(0.001).minimize(loss)
    return [[predict, out]]


def mixture_of_normals(tf):
    x, y = (tf.placeholder(tf.float32, [None, 1], name=n) for n in "xy")
    hidden = tf.nn.tanh(
        tf.matmul(x, tf.Variable(tf.random_normal([1, 20])))
        + tf.Variable(tf.random_normal([1, 20]))
    )
    output = tf.matmul(hidden, tf.Variable(tf.random_normal([20, 15]))) + tf.Variable(
        tf.zeros([1, 15])
    )
    out_pi, out_sigma, out_mu = tf.split(output, 3, 1)
    out_pi = tf.exp(tf.subtract(out_pi, tf.reduce_max(out_pi, 1, keep_dims=True)))
    out_pi = tf.multiply(tf.reciprocal(tf.reduce_sum(out_pi, 1, keep_dims=True)), out_pi)
    out_sigma = tf.exp(out_sigma)
    density = tf.exp(-tf.square((y - out_mu) / out_sigma) / 2) / out_sigma
    loss = tf.reduce_mean(-tf.log(tf.reduce_sum(tf.multiply(density, out_pi), 1, keep_dims=True)))
    tf.train.AdamOptimizer().minimize(loss)
    return [[out_pi], [out_sigma, out_sigma.op.inputs[0]], [output, out_mu]]


def trained_and_tested(tf):
    """Two networks over shared variables: one for a queue of files, one for a placeholder."""
    example = tf.io.parse_single_example(
        tf.TFRecordReader().read(tf.train.string_input_producer(["train.tfrecords"])).value,
        features={
            "image_raw": tf.io.FixedLenFeature([], tf.string),
            "label": tf.io.FixedLenFeature([], tf.int64),
        },
    )
    image = tf.cast(tf.decode_raw(example["image_raw"], tf.uint8), tf.float32)
    image = tf.reshape(image, [20, 20, 1]) / 255.0
    images, labels = tf.train.shuffle_batch([image, example["label"]], 16, 100, 10)
    test_image = tf.placeholder(tf.float32, [None, 20, 20, 1], name="test_images")

    def network(value):
        with tf.variable_scope("net", reuse=tf.AUTO_REUSE):
            value = tf.layers.conv2d(value, 6, 5, activation=tf.nn.relu, name="conv")
            return tf.layers.dense(tf.layers.flatten(value), 4, name="fc")

    logits, tested = network(images), network(test_image)
    loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(
            logits=logits, labels=tf.cast(labels, tf.int32)
        )
    )
    tf.train.AdamOptimizer(1e-4).minimize(loss)
    tf.reduce_mean(tf.cast(tf.nn.in_top_k(logits, tf.cast(labels, tf.int32), 1), tf.float32))
    best = tf.argmax(tested, 1)
    return [[best, tested, logits]]


def denoiser(tf):
    clean = tf.placeholder(tf.float32, [None, 16, 16, 1], name="clean_image")
    training = tf.placeholder(tf.bool, name="is_training")
    noisy = clean + tf.random_normal(shape=tf.shape(clean), stddev=25 / 255.0)
    with tf.variable_scope("block1"):
        value = tf.layers.conv2d(noisy, 8, 3, padding="same", activation=tf.nn.relu)
    for layer in (2, 3):
        with tf.variable_scope(f"block{layer}"):
            value = tf.layers.conv2d(
                value, 8, 3, padding="same", name=f"conv{layer}", use_bias=False
            )
            value = tf.nn.relu(tf.layers.batch_normalization(value, training=training))
    with tf.variable_scope("block17"):
        result = noisy - tf.layers.conv2d(value, 1, 3, padding="same")
    loss = (1.0 / 128) * tf.nn.l2_loss(clean - result)
    squares = tf.reduce_mean(tf.squared_difference(clean, result))
    tf.summary.scalar("eva_psnr", 20 * tf.log(1.0 / tf.sqrt(squares)) / 2.303)
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        tf.train.AdamOptimizer(0.001, name="AdamOptimizer").minimize(loss)
    return [[result]]


def table_of_values(tf):
    inputs1 = tf.placeholder(shape=[1, 16], dtype=tf.float32)
    W = tf.Variable(tf.random_uniform([16, 4], 0, 0.01))
    Qout = tf.matmul(inputs1, W)
    predict = tf.argmax(Qout, 1)
    nextQ = tf.placeholder(shape=[1, 4], dtype=tf.float32)
    loss = tf.reduce_sum(tf.square(nextQ - Qout))
    tf.train.GradientDescentOptimizer(learning_rate=0.1).minimize(loss)
    return [[predict, Qout]]
