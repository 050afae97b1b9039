"""Programs of well-known tutorials and repositories (see `programs.py`)."""


def examples_rnn(tf):
    X = tf.placeholder("float", [None, 28, 28])
    Y = tf.placeholder("float", [None, 10])
    weights = {"out": tf.Variable(tf.random_normal([2 * 16, 10]))}
    biases = {"out": tf.Variable(tf.random_normal([10]))}
    x = tf.unstack(X, 28, 1)
    fw = tf.nn.rnn_cell.BasicLSTMCell(16, forget_bias=1.0)
    outputs, _ = tf.nn.static_rnn(fw, x, dtype=tf.float32)
    both = tf.concat([outputs[-1], outputs[0]], 1)
    logits = tf.matmul(both, weights["out"]) + biases["out"]
    prediction = tf.nn.softmax(logits)
    loss_op = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=Y))
    optimizer = tf.train.GradientDescentOptimizer(learning_rate=0.001)
    optimizer.minimize(loss_op)
    correct_pred = tf.equal(tf.argmax(prediction, 1), tf.argmax(Y, 1))
    tf.reduce_mean(tf.cast(correct_pred, tf.float32))
    return [[prediction, logits]]


def caicloud_average(tf):
    x = tf.placeholder(tf.float32, [None, 784], name="x-input")
    y_ = tf.placeholder(tf.float32, [None, 10], name="y-input")

    def inference(v):
        with tf.variable_scope("layer1"):
            w = tf.get_variable("weights", [784, 50])
            tf.add_to_collection("losses", tf.nn.l2_loss(w) * 1e-4)
            b = tf.get_variable("biases", [50], initializer=tf.constant_initializer(0.0))
            v = tf.nn.relu(tf.matmul(v, w) + b)
        with tf.variable_scope("layer2"):
            w = tf.get_variable("weights", [50, 10])
            tf.add_to_collection("losses", tf.nn.l2_loss(w) * 1e-4)
            b = tf.get_variable("biases", [10], initializer=tf.constant_initializer(0.0))
            return tf.matmul(v, w) + b

    y = inference(x)
    global_step = tf.Variable(0, trainable=False)
    averages = tf.train.ExponentialMovingAverage(0.99, global_step)
    averages_op = averages.apply(tf.trainable_variables())
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=y, labels=tf.argmax(y_, 1))
    loss = tf.reduce_mean(entropy) + tf.add_n(tf.get_collection("losses"))
    rate = tf.train.exponential_decay(0.8, global_step, 100, 0.99)
    step = tf.train.GradientDescentOptimizer(rate).minimize(loss, global_step=global_step)
    with tf.control_dependencies([step, averages_op]):
        tf.no_op(name="train")
    return [[y]]


def hands_on_policy(tf):
    X = tf.placeholder(tf.float32, shape=[None, 4])
    hidden = tf.layers.dense(X, 4, activation=tf.nn.elu)
    logits = tf.layers.dense(hidden, 1)
    outputs = tf.nn.sigmoid(logits)
    p_left_and_right = tf.concat(axis=1, values=[outputs, 1 - outputs])
    action = tf.multinomial(tf.log(p_left_and_right), num_samples=1)
    y = 1.0 - tf.to_float(action)
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits)
    optimizer = tf.train.AdamOptimizer(0.01)
    grads_and_vars = optimizer.compute_gradients(entropy)
    fed = []
    for grad, variable in grads_and_vars:
        placeholder = tf.placeholder(tf.float32, shape=grad.get_shape())
        fed.append((placeholder, variable))
    optimizer.apply_gradients(fed)
    return [[action, p_left_and_right, outputs, logits]]


def speech_commands(tf):
    fingerprint = tf.placeholder(tf.float32, [None, 400], name="fingerprint_input")
    truth = tf.placeholder(tf.int64, [None], name="groundtruth_input")
    keep = tf.placeholder(tf.float32, name="dropout_prob")
    v = tf.reshape(fingerprint, [-1, 20, 20, 1])
    for i, (a, b) in enumerate(((1, 8), (8, 8))):
        w = tf.get_variable(f"{'first' if not i else 'second'}_weights", [8, 4, a, b])
        c = tf.get_variable(f"{'first' if not i else 'second'}_bias", [b])
        v = tf.nn.relu(tf.nn.conv2d(v, w, [1, 1, 1, 1], "SAME") + c)
        v = tf.nn.dropout(v, rate=1 - keep)
        v = tf.nn.max_pool(v, [1, 2, 2, 1], [1, 2, 2, 1], "SAME") if not i else v
    flat = tf.reshape(v, [-1, 800])
    w = tf.get_variable("final_fc_weights", [800, 12])
    logits = tf.matmul(flat, w) + tf.get_variable("final_fc_bias", [12])
    control = [tf.add_check_numerics_ops()] if False else []
    with tf.name_scope("cross_entropy"):
        mean = tf.losses.sparse_softmax_cross_entropy(labels=truth, logits=logits)
    with tf.name_scope("train"), tf.control_dependencies(control):
        rate = tf.placeholder(tf.float32, [], name="learning_rate_input")
        tf.train.GradientDescentOptimizer(rate).minimize(mean)
    predicted = tf.argmax(logits, 1)
    correct = tf.equal(predicted, truth)
    tf.math.confusion_matrix(truth, predicted, num_classes=12)
    step_mean = tf.reduce_mean(tf.cast(correct, tf.float32))
    with tf.get_default_graph().name_scope("eval"):
        tf.summary.scalar("cross_entropy", mean)
        tf.summary.scalar("accuracy", step_mean)
    step = tf.train.get_or_create_global_step()
    tf.assign(step, step + 1)
    tf.summary.merge_all(scope="eval")
    return [[predicted, logits]]


def crnn(tf):
    inputs = tf.placeholder(tf.float32, [None, 32, None, 1])
    keys = tf.sparse_placeholder(tf.int32, name="targets")
    seq_len = tf.placeholder(tf.int32, [None], name="seq_len")
    v = inputs
    for i, width in enumerate((8, 16)):
        v = tf.layers.conv2d(v, width, 3, padding="same", activation=tf.nn.relu)
        v = tf.layers.batch_normalization(v) if i else v
        v = tf.layers.max_pooling2d(v, [2, 2], [2, 2])
    v = tf.layers.conv2d(v, 16, [8, 1], activation=tf.nn.relu)
    v = tf.squeeze(v, [1])
    for i in range(2):
        with tf.variable_scope(None, f"bidirectional-rnn-{i}"):
            both, _ = tf.nn.bidirectional_dynamic_rnn(
                tf.nn.rnn_cell.BasicLSTMCell(8),
                tf.nn.rnn_cell.BasicLSTMCell(8),
                v,
                seq_len,
                dtype=tf.float32,
            )
            v = tf.concat(both, -1)
    logits = tf.reshape(v, [-1, 16])
    W = tf.Variable(tf.truncated_normal([16, 11], stddev=0.1), name="W")
    b = tf.Variable(tf.constant(0.0, shape=[11]), name="b")
    logits = tf.matmul(logits, W) + b
    logits = tf.reshape(logits, [tf.shape(inputs)[0], -1, 11])
    logits = tf.transpose(logits, (1, 0, 2))
    loss = tf.nn.ctc_loss(keys, logits, seq_len, ignore_longer_outputs_than_inputs=True)
    cost = tf.reduce_mean(loss)
    decoded, _ = tf.nn.ctc_beam_search_decoder(logits, seq_len, merge_repeated=False)
    dense_decoded = tf.sparse_tensor_to_dense(decoded[0], default_value=-1, name="dense_decoded")
    tf.reduce_mean(tf.edit_distance(tf.cast(decoded[0], tf.int32), keys))
    tf.train.AdamOptimizer(1e-4).minimize(cost)
    return [[dense_decoded, decoded[0].values, logits]]


def deeplab_drsleep(tf):
    it = tf.data.make_one_shot_iterator(
        tf.data.Dataset.from_tensors((tf.zeros([33, 33, 3]), tf.zeros([33, 33, 1], tf.int32)))
        .repeat()
        .batch(2)
    )
    image_batch, label_batch = it.get_next()
    v = tf.layers.conv2d(image_batch, 8, 7, 2, "same", use_bias=False, name="conv1")
    v = tf.nn.relu(tf.layers.batch_normalization(v, name="bn_conv1", trainable=False))
    v = tf.layers.max_pooling2d(v, 3, 2, "same", name="pool1")
    v = tf.nn.relu(tf.layers.conv2d(v, 8, 3, padding="same", dilation_rate=2, name="res5c"))
    branches = [
        tf.layers.conv2d(v, 21, 3, padding="same", dilation_rate=r, name=f"fc1_voc12_c{i}")
        for i, r in enumerate((2, 3))
    ]
    raw_output = tf.add_n(branches, name="fc1_voc12")
    raw_prediction = tf.reshape(raw_output, [-1, 21])
    with tf.name_scope("label_encode"):
        small = tf.image.resize_nearest_neighbor(label_batch, tf.stack(raw_output.get_shape()[1:3]))
        small = tf.squeeze(small, squeeze_dims=[3])
    raw_gt = tf.reshape(small, [-1])
    indices = tf.squeeze(tf.where(tf.less_equal(raw_gt, 20)), 1)
    gt = tf.cast(tf.gather(raw_gt, indices), tf.int32)
    prediction = tf.gather(raw_prediction, indices)
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=prediction, labels=gt)
    l2 = [0.0005 * tf.nn.l2_loss(v) for v in tf.trainable_variables() if "kernel" in v.name]
    reduced = tf.reduce_mean(loss) + tf.add_n(l2)
    up = tf.image.resize_bilinear(raw_output, tf.shape(image_batch)[1:3])
    up = tf.argmax(up, dimension=3)
    pred = tf.expand_dims(up, dim=3)
    images = tf.py_func(lambda a: a, [image_batch], tf.float32)
    preds = tf.py_func(lambda a: a, [pred], tf.int64)
    tf.summary.image(
        "images", tf.concat(axis=2, values=[images, tf.cast(preds, tf.float32) * [1.0, 1.0, 1.0]])
    )
    base = tf.constant(2.5e-4)
    step = tf.placeholder(dtype=tf.float32, shape=())
    rate = tf.scalar_mul(base, tf.pow((1 - step / 20000), 0.9))
    tv = tf.trainable_variables()
    grads = tf.gradients(reduced, tv)
    tf.train.MomentumOptimizer(rate, 0.9).apply_gradients(zip(grads, tv, strict=True))
    return [[pred, up, raw_output, raw_prediction]]


def energy_network(tf):
    coords = tf.placeholder(tf.float32, [None, 6, 3], name="positions")
    kinds = tf.placeholder(tf.int32, [None, 6], name="atomic_numbers")
    energy = tf.placeholder(tf.float32, [None, 1], name="energy")
    forces = tf.placeholder(tf.float32, [None, 6, 3], name="forces")
    with tf.variable_scope("schnet"):
        with tf.variable_scope("embedding"):
            table = tf.get_variable("embeddings", [10, 8])
        v = tf.nn.embedding_lookup(table, kinds)
        diff = tf.expand_dims(coords, 1) - tf.expand_dims(coords, 2)
        dist = tf.sqrt(tf.reduce_sum(diff**2, 3) + 1e-8)
        rbf = tf.exp(-10.0 * (tf.expand_dims(dist, -1) - tf.range(0.0, 5.0, 0.5)) ** 2)
        for i in range(2):
            with tf.variable_scope(f"interaction_{i}"):
                W = tf.layers.dense(tf.layers.dense(rbf, 8, tf.nn.softplus), 8)
                f = tf.layers.dense(v, 8, use_bias=False)
                m = tf.reduce_sum(W * tf.expand_dims(f, 1), 2)
                v = v + tf.layers.dense(tf.layers.dense(m, 8, tf.nn.softplus), 8)
        with tf.variable_scope("atomwise"):
            yi = tf.layers.dense(tf.layers.dense(v, 4, tf.nn.softplus), 1)
            mean = tf.get_variable("mean", [], trainable=False)
            yi = yi + mean
            y = tf.reduce_sum(yi, 1, name="energy")
    dydr = -tf.convert_to_tensor(tf.gradients(tf.reduce_sum(y), coords)[0])
    e_loss = tf.reduce_mean((energy - y) ** 2)
    f_loss = tf.reduce_mean((forces - dydr) ** 2)
    loss = 0.01 * e_loss + f_loss
    step = tf.Variable(0, trainable=False, name="global_step")
    tf.train.AdamOptimizer(1e-3).minimize(loss, global_step=step)
    tf.summary.scalar("loss", loss)
    return [[y], [dydr]]


def _pixel_wise_softmax(tf, m):
    with tf.name_scope("pixel_wise_softmax"):
        e = tf.exp(m - tf.reduce_max(m, axis=3, keepdims=True))
        return e / tf.reduce_sum(e, axis=3, keepdims=True)


def tf_unet(tf):
    x = tf.placeholder("float", shape=[None, None, None, 1], name="x")
    y = tf.placeholder("float", shape=[None, None, None, 2], name="y")
    keep_prob = tf.placeholder(tf.float32, name="dropout_probability")
    with tf.name_scope("preprocessing"):
        nx, ny = tf.shape(x)[1], tf.shape(x)[2]
        v = tf.reshape(x, tf.stack([-1, nx, ny, 1]))

    def conv(v, i, o):
        w = tf.Variable(tf.truncated_normal([3, 3, i, o], stddev=0.1), name="w")
        b = tf.Variable(tf.constant(0.1, shape=[o]), name="b")
        with tf.name_scope("conv2d"):
            c = tf.nn.conv2d(v, w, strides=[1, 1, 1, 1], padding="VALID")
            c = tf.nn.bias_add(c, b)
            return tf.nn.dropout(c, keep_prob)

    with tf.name_scope("down_conv_0"):
        down = tf.nn.relu(conv(v, 1, 8))
        v = tf.nn.max_pool(down, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    with tf.name_scope("down_conv_1"):
        v = tf.nn.relu(conv(v, 8, 16))
    with tf.name_scope("up_conv_0"):
        wd = tf.Variable(tf.truncated_normal([2, 2, 8, 16]), name="wd")
        s = tf.shape(v)
        up = tf.nn.conv2d_transpose(v, wd, tf.stack([s[0], s[1] * 2, s[2] * 2, 8]), [1, 2, 2, 1])
        with tf.name_scope("crop_and_concat"):
            a, b = tf.shape(down), tf.shape(up)
            crop = tf.slice(
                down, [0, (a[1] - b[1]) // 2, (a[2] - b[2]) // 2, 0], [-1, b[1], b[2], 8]
            )
            v = tf.concat([crop, up], 3)
        v.set_shape([None, None, None, 16])
        v = tf.nn.relu(conv(v, 16, 8))
    with tf.name_scope("output_map"):
        w = tf.Variable(tf.truncated_normal([1, 1, 8, 2]), name="weight")
        b = tf.Variable(tf.constant(0.1, shape=[2]), name="bias")
        logits = tf.nn.relu(
            tf.nn.dropout(tf.nn.bias_add(tf.nn.conv2d(v, w, [1, 1, 1, 1], "VALID"), b), 1.0)
        )

    with tf.name_scope("cost"):
        flat = tf.reshape(logits, [-1, 2])
        cost = tf.reduce_mean(
            tf.nn.softmax_cross_entropy_with_logits(logits=flat, labels=tf.reshape(y, [-1, 2]))
        )
    tf.gradients(cost, tf.trainable_variables())
    with tf.name_scope("cross_entropy"):
        probs = tf.reshape(_pixel_wise_softmax(tf, logits), [-1, 2])
        tf.reduce_mean(
            -tf.reduce_sum(tf.reshape(y, [-1, 2]) * tf.log(tf.clip_by_value(probs, 1e-10, 1.0)))
        )
    with tf.name_scope("results"):
        predicter = _pixel_wise_softmax(tf, logits)
        best = tf.argmax(predicter, 3)
        correct = tf.equal(best, tf.argmax(y, 3))
        tf.reduce_mean(tf.cast(correct, tf.float32))
    step = tf.Variable(0, name="global_step")
    tf.train.MomentumOptimizer(0.2, 0.9).minimize(cost, global_step=step)
    return [[predicter, best, logits, probs.op.inputs[0]]]


def sketch_decoder(tf):
    x = tf.placeholder(tf.float32, [4, 10, 3], name="data_in")
    y = tf.placeholder(tf.float32, [4, 10, 3], name="target")
    cell = tf.nn.rnn_cell.LSTMCell(8)
    zero = cell.zero_state(4, tf.float32)
    out, last = tf.nn.dynamic_rnn(cell, x, initial_state=zero, scope="rnn_mdn")
    w = tf.get_variable("output_w", [8, 1 + 6 * 3])
    b = tf.get_variable("output_b", [1 + 6 * 3])
    flat = tf.nn.xw_plus_b(tf.reshape(out, [-1, 8]), w, b)
    eos = tf.sigmoid(flat[:, 0:1])
    pi, mu1, mu2, s1, s2, corr = tf.split(flat[:, 1:], 6, 1)
    pi = tf.exp(pi - tf.reduce_max(pi, 1, keepdims=True))
    pi = tf.multiply(tf.reciprocal(tf.reduce_sum(pi, 1, keepdims=True)), pi)
    s1, s2, corr = tf.exp(s1), tf.exp(s2), tf.tanh(corr)
    x1, x2, e = tf.split(tf.reshape(y, [-1, 3]), 3, 1)
    z = (
        tf.square((x1 - mu1) / s1)
        + tf.square((x2 - mu2) / s2)
        - 2 * corr * (x1 - mu1) * (x2 - mu2) / (s1 * s2)
    )
    n = tf.exp(-z / (2 * (1 - tf.square(corr)))) / (6.28 * s1 * s2 * tf.sqrt(1 - tf.square(corr)))
    g = -tf.log(tf.maximum(tf.reduce_sum(n * pi, 1, keepdims=True), 1e-20))
    cost = tf.reduce_sum(g - tf.log(eos * e + (1 - eos) * (1 - e))) / 40.0
    tv = tf.trainable_variables()
    lr = tf.Variable(0.0, trainable=False)
    grads, _ = tf.clip_by_global_norm(tf.gradients(cost, tv), 10)
    tf.train.AdamOptimizer(lr).apply_gradients(zip(grads, tv, strict=True))
    assert last is not None
    return [[eos], [pi], [mu1], [mu2], [s1], [s2], [corr]]
