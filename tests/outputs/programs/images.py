"""Images: detectors, generators, encoders, embeddings (see `programs.py`)."""


def autoencoder(tf):
    X = tf.placeholder("float", [None, 784])
    weights, biases, value = {}, {}, X
    for name, size in (("e1", (784, 64)), ("e2", (64, 32)), ("d1", (32, 64)), ("d2", (64, 784))):
        weights[name] = tf.Variable(tf.random_normal(list(size)))
        biases[name] = tf.Variable(tf.random_normal([size[1]]))
        value = tf.nn.sigmoid(tf.add(tf.matmul(value, weights[name]), biases[name]))
    y_pred, y_true = value, X
    loss = tf.reduce_mean(tf.pow(y_true - y_pred, 2))
    tf.train.RMSPropOptimizer(0.01).minimize(loss)
    return [[y_pred, y_pred.op.inputs[0]]]


def variational_autoencoder(tf):
    x = tf.placeholder(tf.float32, [None, 100], name="x")
    hidden = tf.layers.dense(x, 40, tf.nn.softplus, name="encode")
    mean, log_var = (tf.layers.dense(hidden, 6, name=n) for n in ("z_mean", "z_log_sigma_sq"))
    eps = tf.random_normal(tf.shape(mean))
    z = tf.add(mean, tf.multiply(tf.sqrt(tf.exp(log_var)), eps))
    decoded = tf.layers.dense(z, 40, tf.nn.softplus, name="decode")
    out = tf.layers.dense(decoded, 100, tf.nn.sigmoid, name="x_reconstr_mean")
    error = -tf.reduce_sum(x * tf.log(1e-10 + out) + (1 - x) * tf.log(1e-10 + 1 - out), 1)
    latent = -0.5 * tf.reduce_sum(1 + log_var - tf.square(mean) - tf.exp(log_var), 1)
    tf.train.AdamOptimizer().minimize(tf.reduce_mean(error + latent))
    return [[out, out.op.inputs[0]]]


def generator_and_critic(tf):
    def dense(value, width, name, act):
        with tf.variable_scope(name, reuse=tf.AUTO_REUSE):
            w = tf.get_variable("w", [int(value.shape[1]), width])
            return act(tf.matmul(value, w) + tf.get_variable("b", [width]))

    gen_input = tf.placeholder(tf.float32, [None, 20], name="input_noise")
    disc_input = tf.placeholder(tf.float32, [None, 100], name="disc_input")
    with tf.variable_scope("gen"):
        sample = dense(dense(gen_input, 30, "hidden", tf.nn.relu), 100, "out", tf.nn.sigmoid)
    scores = []
    for value in (disc_input, sample):
        with tf.variable_scope("disc", reuse=tf.AUTO_REUSE):
            scores.append(dense(dense(value, 30, "hidden", tf.nn.relu), 1, "out", tf.nn.sigmoid))
    gen_loss = -tf.reduce_mean(tf.log(scores[1]))
    disc_loss = -tf.reduce_mean(tf.log(scores[0]) + tf.log(1.0 - scores[1]))
    for scope, loss in (("gen", gen_loss), ("disc", disc_loss)):
        variables = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope=scope + "/")
        tf.train.AdamOptimizer(2e-4).minimize(loss, var_list=variables)
    return [[sample, sample.op.inputs[0]]]


def convolutional_gan(tf):
    real = tf.placeholder(tf.float32, [16, 16, 16, 3], name="real_images")
    z = tf.placeholder(tf.float32, [None, 10], name="z")
    tf.summary.histogram("z", z)
    with tf.variable_scope("generator"):
        value = tf.reshape(tf.layers.dense(z, 4 * 4 * 16), [-1, 4, 4, 16])
        value = tf.nn.relu(tf.layers.batch_normalization(value, training=True))
        value = tf.layers.conv2d_transpose(value, 8, 5, strides=2, padding="same")
        value = tf.nn.relu(tf.layers.batch_normalization(value, training=True))
        value = tf.layers.conv2d_transpose(value, 3, 5, strides=2, padding="same")
        fake = tf.nn.tanh(value)
    verdicts = []
    for i, value in enumerate((real, fake)):
        with tf.variable_scope("discriminator", reuse=i > 0):
            value = tf.nn.leaky_relu(tf.layers.conv2d(value, 8, 5, strides=2))
            logits = tf.layers.dense(tf.layers.flatten(value), 1)
            verdicts.append(logits)
            tf.summary.histogram("d", tf.nn.sigmoid(logits))

    def entropy(logits, make):
        both = tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=make(logits))
        return tf.reduce_mean(both)

    d_loss = entropy(verdicts[0], tf.ones_like) + entropy(verdicts[1], tf.zeros_like)
    g_loss = entropy(verdicts[1], tf.ones_like)
    for scope, loss in (("discriminator", d_loss), ("generator", g_loss)):
        variables = [v for v in tf.trainable_variables() if v.name.startswith(scope)]
        with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS, scope)):
            tf.train.AdamOptimizer(2e-4, beta1=0.5).minimize(loss, var_list=variables)
    return [[fake, value, fake.op.inputs[0]]]


def siamese(tf):
    x1, x2 = (tf.placeholder(tf.float32, [None, 50]) for _ in range(2))
    y_ = tf.placeholder(tf.float32, [None])
    towers = []
    with tf.variable_scope("siamese") as scope:
        for value in (x1, x2):
            for i, width in enumerate((40, 40, 2)):
                w = tf.get_variable(f"fc{i}W", [int(value.shape[1]), width])
                b = tf.get_variable(f"fc{i}b", [width])
                value = tf.nn.bias_add(tf.matmul(value, w), b)
                value = tf.nn.relu(value) if i < 2 else value
            towers.append(value)
            scope.reuse_variables()
    margin = tf.constant(5.0, name="C")
    distance2 = tf.reduce_sum(tf.pow(tf.subtract(*towers), 2), 1)
    distance = tf.sqrt(distance2 + 1e-6, name="eucd")
    positive = tf.multiply(y_, distance2, name="yi_x_eucd2")
    pushed = tf.pow(tf.maximum(tf.subtract(margin, distance), 0), 2)
    negative = tf.multiply(tf.subtract(1.0, y_, name="1-yi"), pushed)
    loss = tf.reduce_mean(tf.add(positive, negative, name="losses"), name="loss")
    tf.train.GradientDescentOptimizer(0.01).minimize(loss)
    return [[*towers, distance, distance2]]


def face_embedding(tf):
    batch = tf.placeholder(tf.int32, name="batch_size")
    phase = tf.placeholder(tf.bool, name="phase_train")
    queue = tf.FIFOQueue(100, [tf.float32, tf.int64], [[20, 20, 3], []], name="input_queue")
    images, labels = queue.dequeue_many(batch, name="batch_join")
    images = tf.identity(images, "image_batch")
    images = tf.identity(images, "input")
    labels = tf.identity(labels, "label_batch")
    with tf.variable_scope("InceptionResnetV1"):
        value = tf.layers.conv2d(images, 8, 3, strides=2, name="Conv2d_1a_3x3")
        value = tf.nn.relu(tf.layers.batch_normalization(value, training=phase))
        value = tf.layers.dense(tf.layers.flatten(value), 32, name="Bottleneck")
    embeddings = tf.nn.l2_normalize(value, 1, 1e-10, name="embeddings")
    logits = tf.layers.dense(value, 50, name="Logits")
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=labels, logits=logits, name="cross_entropy_per_example"
    )
    mean = tf.reduce_mean(entropy, name="cross_entropy")
    correct = tf.cast(tf.equal(tf.argmax(logits, 1), labels), tf.float32)
    tf.reduce_mean(correct)
    total = tf.add_n([mean, *tf.losses.get_regularization_losses()], name="total_loss")
    step = tf.Variable(0, trainable=False)
    rate = tf.placeholder(tf.float32, name="learning_rate")
    tf.train.AdamOptimizer(rate).minimize(total, global_step=step)
    return [[embeddings, value], [logits, correct.op.inputs[0].op.inputs[0]]]


def style_transfer(tf):
    content = tf.placeholder(tf.float32, [4, 32, 32, 3], name="X_content")
    weights = [tf.constant(0.1, shape=[3, 3, 3, 8]), tf.constant(0.1, shape=[3, 3, 8, 8])]

    def features(image):
        first = tf.nn.relu(tf.nn.conv2d(image - 120.0, weights[0], [1, 1, 1, 1], "SAME"))
        return first, tf.nn.relu(tf.nn.conv2d(first, weights[1], [1, 2, 2, 1], "SAME"))

    def conv(value, depth, name, act=tf.nn.relu):
        with tf.variable_scope(name):
            w = tf.Variable(tf.truncated_normal([3, 3, int(value.shape[3]), depth], stddev=0.1))
            value = tf.nn.conv2d(value, w, [1, 1, 1, 1], "SAME")
            mean, variance = tf.nn.moments(value, [1, 2], keep_dims=True)
            shift, scale = tf.Variable(tf.zeros([depth])), tf.Variable(tf.ones([depth]))
            return act(scale * (value - mean) / (variance + 1e-3) ** 0.5 + shift)

    value = conv(conv(content / 255.0, 8, "c1"), 8, "c2")
    preds = tf.nn.tanh(conv(value, 3, "c3", tf.identity)) * 150 + 255.0 / 2
    net, base = features(preds), features(content)
    content_loss = 7.5 * (2 * tf.nn.l2_loss(net[1] - base[1]) / 8192)
    style_losses = []
    for layer in net:
        flat = tf.reshape(layer, [4, -1, 8])
        gram = tf.matmul(tf.transpose(flat, perm=[0, 2, 1]), flat) / 8192.0
        style_losses.append(2 * tf.nn.l2_loss(gram - tf.constant(0.5, shape=[8, 8])) / 64)
    style_loss = 100 * tf.add_n(style_losses) / 4
    tv = tf.nn.l2_loss(preds[:, 1:, :, :] - preds[:, :31, :, :])
    loss = content_loss + style_loss + 200 * tv
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[preds, preds.op.inputs[0], preds.op.inputs[0].op.inputs[0]]]


def super_resolution(tf):
    low = tf.placeholder(tf.float32, [None, 12, 12, 1], name="input_image")
    high = tf.placeholder(tf.float32, [None, 24, 24, 1], name="ground_truth")
    value = tf.layers.conv2d(low, 16, 5, padding="same", activation=tf.nn.tanh)
    value = tf.layers.conv2d(value, 4, 3, padding="same")
    with tf.variable_scope("shuffle"):
        out = tf.depth_to_space(value, 2)
    loss = tf.reduce_mean(tf.square(high - out))
    psnr = -10.0 * tf.log(loss) / tf.log(10.0)
    tf.summary.scalar("psnr", psnr)
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[out, value]]


def detector(tf):
    images = tf.placeholder(tf.float32, [None, 64, 64, 3], name="images")
    true_boxes = tf.placeholder(tf.float32, [None, 5, 4], name="gt_boxes")
    true_labels = tf.placeholder(tf.int64, [None, 5], name="gt_labels")
    value = tf.layers.conv2d(images, 8, 3, strides=16, activation=tf.nn.relu, name="backbone")
    with tf.variable_scope("box_head"):
        localisations = tf.reshape(tf.layers.conv2d(value, 4, 3, padding="same"), [-1, 16, 4])
    with tf.variable_scope("class_head"):
        logits = tf.reshape(tf.layers.conv2d(value, 7, 3, padding="same"), [-1, 16, 7])
        predictions = tf.nn.softmax(logits, name="predictions")
    boxes = tf.identity(tf.clip_by_value(localisations, 0.0, 1.0), name="boxes")
    with tf.name_scope("losses"):
        wanted = tf.tile(true_boxes, [1, 4, 1])[:, :16]
        kinds = tf.tile(true_labels, [1, 4])[:, :16]
        entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=kinds)
        total = tf.reduce_mean(entropy) + tf.reduce_mean(tf.abs(localisations - wanted))
    tf.train.MomentumOptimizer(0.01, 0.9).minimize(total)
    return [[predictions, logits], [boxes, localisations, boxes.op.inputs[0]]]


def segmentation(tf):
    x = tf.placeholder(tf.float32, [None, 32, 32, 1], name="x")
    y = tf.placeholder(tf.float32, [None, 32, 32, 2], name="y")
    keep = tf.placeholder(tf.float32, name="dropout_probability")
    down = tf.layers.conv2d(x, 8, 3, padding="same", activation=tf.nn.relu)
    value = tf.nn.dropout(tf.layers.max_pooling2d(down, 2, 2), keep)
    value = tf.layers.conv2d(value, 16, 3, padding="same", activation=tf.nn.relu)
    up = tf.layers.conv2d_transpose(value, 8, 2, strides=2)
    value = tf.layers.conv2d(tf.concat([down, up], 3), 8, 3, padding="same", activation=tf.nn.relu)
    logits = tf.layers.conv2d(value, 2, 1, padding="same")
    flat, wanted = tf.reshape(logits, [-1, 2]), tf.reshape(y, [-1, 2])
    cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=flat, labels=wanted))
    exponential = tf.exp(logits)
    predicter = exponential / tf.reduce_sum(exponential, 3, keep_dims=True)
    correct = tf.equal(tf.argmax(predicter, 3), tf.argmax(y, 3))
    tf.reduce_mean(tf.cast(correct, tf.float32))
    tf.train.MomentumOptimizer(0.2, 0.9).minimize(cost, global_step=tf.Variable(0, trainable=False))
    return [[predicter, logits, correct.op.inputs[0]]]


def landmarks_in_stages(tf):
    image = tf.placeholder(tf.float32, [None, 32, 32, 3], name="input_image")
    center = tf.placeholder(tf.float32, [None, 32, 32, 1], name="center_map")
    truth = tf.placeholder(tf.float32, [None, 4, 4, 5], name="gt_hmap")
    pooled = tf.layers.average_pooling2d(center, 9, 8, padding="same")
    features = tf.layers.conv2d(image, 8, 9, strides=8, padding="same", activation=tf.nn.relu)
    stages = [tf.layers.conv2d(features, 5, 1, name="stage_1")]
    for number in (2, 3):
        value = tf.concat([stages[-1], features, pooled], axis=3)
        stages.append(tf.layers.conv2d(value, 5, 3, padding="same", name=f"stage_{number}"))
    losses = [tf.nn.l2_loss(stage - truth) / 8.0 for stage in stages]
    total = tf.add_n(losses)
    rate = tf.train.exponential_decay(0.001, tf.train.get_or_create_global_step(), 100, 0.9)
    tf.train.AdamOptimizer(rate).minimize(total, global_step=tf.train.get_global_step())
    return [[stages[-1]]]


def slim_like(tf):
    images = tf.placeholder(tf.float32, [None, 24, 24, 3], name="Placeholder")
    labels = tf.placeholder(tf.int64, [None])
    with tf.variable_scope("InceptionV3"):
        value = tf.layers.conv2d(images, 8, 3, strides=2, activation=tf.nn.relu, name="Conv2d_1a")
        with tf.variable_scope("AuxLogits"):
            pooled = tf.reduce_mean(value, [1, 2])
            aux = tf.layers.dense(pooled, 6, name="Conv2d_2b_1x1")
        value = tf.layers.conv2d(value, 16, 3, strides=2, activation=tf.nn.relu, name="Mixed_7c")
        with tf.variable_scope("Logits"):
            net = tf.reduce_mean(value, [1, 2], keep_dims=True, name="AvgPool_1a_8x8")
            net = tf.nn.dropout(net, keep_prob=0.8, name="Dropout_1b")
            net = tf.layers.conv2d(net, 6, 1, name="Conv2d_1c_1x1")
            logits = tf.squeeze(net, [1, 2], name="SpatialSqueeze")
        with tf.variable_scope("Predictions"):
            predictions = tf.reshape(tf.nn.softmax(tf.reshape(logits, [-1, 6])), [-1, 6])
    hot = tf.one_hot(labels, 6)
    tf.losses.softmax_cross_entropy(logits=aux, onehot_labels=hot, weights=0.4, scope="aux_loss")
    tf.losses.softmax_cross_entropy(logits=logits, onehot_labels=hot)
    total = tf.losses.get_total_loss()
    step = tf.train.get_or_create_global_step()
    optimizer = tf.train.RMSPropOptimizer(0.01)
    optimizer.apply_gradients(optimizer.compute_gradients(total), global_step=step)
    names = predictions.op.inputs[0]
    return [[predictions, names, logits, net]]


def tflearn_like(tf):
    with tf.name_scope("InputData"):
        x = tf.placeholder(tf.float32, [None, 30], name="X")
    training = tf.get_variable("is_training", dtype=tf.bool, initializer=False, trainable=False)
    value = x
    for name, width in (("FullyConnected", 8), ("FullyConnected_1", 8), ("FullyConnected_2", 4)):
        with tf.variable_scope(name):
            w = tf.get_variable("W", [int(value.shape[1]), width])
            value = tf.nn.bias_add(tf.matmul(value, w), tf.get_variable("b", [width]))
            if width == 4:
                logits, value = value, tf.nn.softmax(value, name="Softmax")
    with tf.name_scope("TargetsData"):
        y = tf.placeholder(tf.float32, [None, 4], name="Y")
    with tf.name_scope("Crossentropy"):
        clipped = tf.clip_by_value(value / tf.reduce_sum(value, 1, keep_dims=True), 1e-10, 1.0)
        loss = tf.reduce_mean(-tf.reduce_sum(y * tf.log(clipped), 1), name="Mean")
    with tf.name_scope("Accuracy"):
        correct = tf.equal(tf.argmax(value, 1), tf.argmax(y, 1))
        accuracy = tf.reduce_mean(tf.cast(correct, tf.float32), name="Mean")
    with tf.name_scope("Adam"):
        tf.add_to_collection("train_ops", tf.train.AdamOptimizer().minimize(loss))
    with tf.name_scope("Loss"):
        tf.summary.scalar("raw", loss)
    tf.add_to_collection("inputs", x)
    tf.add_to_collection("targets", y)
    tf.add_to_collection("layer_tensor/FullyConnected", value)
    with tf.control_dependencies([tf.assign(training, True)]):
        tf.identity(accuracy)
    return [[value, logits]]


def triplet(tf):
    parts = [
        tf.placeholder(tf.float32, [None, 30], name=n) for n in ("anchor", "positive", "negative")
    ]
    codes = []
    for i, part in enumerate(parts):
        with tf.variable_scope("encoder", reuse=i > 0):
            hidden = tf.layers.dense(part, 20, tf.nn.relu, name="fc1")
            codes.append(tf.layers.dense(hidden, 8, name="fc2"))
    near = tf.reduce_sum(tf.square(codes[0] - codes[1]), 1)
    far = tf.reduce_sum(tf.square(codes[0] - codes[2]), 1)
    loss = tf.reduce_mean(tf.maximum(0.0, 1.0 + near - far))
    tf.train.AdamOptimizer().minimize(loss)
    return [codes]


def two_regressions(tf):
    x = tf.placeholder(tf.float32, [None, 40, 40, 3], name="x")
    box, keypoints = (tf.placeholder(tf.float32, [None, n]) for n in (4, 10))
    value = tf.layers.conv2d(x, 8, 5, strides=4, activation=tf.nn.relu)
    flat = tf.layers.flatten(value)
    box_pred = tf.layers.dense(flat, 4, name="bbox")
    key_pred = tf.layers.dense(flat, 10, name="landmark")
    loss = tf.reduce_mean(tf.square(box_pred - box)) + tf.reduce_mean(
        tf.square(key_pred - keypoints)
    )
    tf.train.AdamOptimizer().minimize(loss)
    return [[box_pred], [key_pred]]
