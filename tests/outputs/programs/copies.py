"""Trained in one copy, used in another; made to be fetched (see `programs.py`)."""


def examples_vae(tf):
    weights = {
        k: tf.Variable(tf.random_normal(s))
        for k, s in [
            ("e1", [784, 32]),
            ("z_mean", [32, 2]),
            ("z_std", [32, 2]),
            ("d1", [2, 32]),
            ("d2", [32, 784]),
        ]
    }
    biases = {
        k: tf.Variable(tf.random_normal([s]))
        for k, s in [("e1", 32), ("z_mean", 2), ("z_std", 2), ("d1", 32), ("d2", 784)]
    }
    input_image = tf.placeholder(tf.float32, shape=[None, 784])
    encoder = tf.nn.tanh(tf.matmul(input_image, weights["e1"]) + biases["e1"])
    z_mean = tf.matmul(encoder, weights["z_mean"]) + biases["z_mean"]
    z_std = tf.matmul(encoder, weights["z_std"]) + biases["z_std"]
    eps = tf.random_normal(tf.shape(z_std), dtype=tf.float32, mean=0.0, stddev=1.0, name="epsilon")
    z = z_mean + tf.exp(z_std / 2) * eps
    decoder = tf.nn.tanh(tf.matmul(z, weights["d1"]) + biases["d1"])
    decoder = tf.nn.sigmoid(tf.matmul(decoder, weights["d2"]) + biases["d2"])
    decode_loss = input_image * tf.log(1e-10 + decoder) + (1 - input_image) * tf.log(
        1e-10 + 1 - decoder
    )
    decode_loss = -tf.reduce_sum(decode_loss, 1)
    kl = 1 + z_std - tf.square(z_mean) - tf.exp(z_std)
    kl = -0.5 * tf.reduce_sum(kl, 1)
    loss_op = tf.reduce_mean(decode_loss + kl)
    tf.train.RMSPropOptimizer(0.001).minimize(loss_op)
    noise_input = tf.placeholder(tf.float32, shape=[None, 2])
    hidden = tf.nn.tanh(tf.matmul(noise_input, weights["d1"]) + biases["d1"])
    sample = tf.nn.sigmoid(tf.matmul(hidden, weights["d2"]) + biases["d2"])
    return [[sample, sample.op.inputs[0]]]


def hvass_pretty_tensor_cifar(tf):
    x = tf.placeholder(tf.float32, shape=[None, 32, 32, 3], name="x")
    y_true = tf.placeholder(tf.float32, shape=[None, 10], name="y_true")
    y_true_cls = tf.argmax(y_true, axis=1)
    global_step = tf.Variable(initial_value=0, name="global_step", trainable=False)

    def main_network(images, training):
        v = tf.layers.conv2d(images, 8, 5, activation=tf.nn.relu, name="layer_conv1")
        v = tf.layers.batch_normalization(v, training=training, name="bn")
        v = tf.layers.max_pooling2d(v, 2, 2)
        v = tf.layers.flatten(v)
        v = tf.layers.dense(v, 16, activation=tf.nn.relu, name="layer_fc1")
        logits = tf.layers.dense(v, 10, name="softmax")
        y_pred = tf.nn.softmax(logits)
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=y_true))
        return y_pred, logits, loss

    with tf.variable_scope("network"):
        images = tf.map_fn(lambda i: tf.image.random_flip_left_right(i[4:28, 4:28]), x)
        _, _, loss = main_network(images, True)
    with tf.variable_scope("network", reuse=True):
        images = tf.map_fn(lambda i: tf.image.resize_image_with_crop_or_pad(i, 24, 24), x)
        y_pred, logits, _ = main_network(images, False)
    tf.train.AdamOptimizer(1e-4).minimize(loss, global_step=global_step)
    y_pred_cls = tf.argmax(y_pred, axis=1)
    tf.reduce_mean(tf.cast(tf.equal(y_pred_cls, y_true_cls), tf.float32))
    return [[y_pred_cls, y_pred, logits]]


def dcgan_carpedm(tf):
    inputs = tf.placeholder(tf.float32, [8, 16, 16, 3], name="real_images")
    z = tf.placeholder(tf.float32, [8, 10], name="z")

    def bn(v, name, train):
        return tf.layers.batch_normalization(v, training=train, name=name, momentum=0.9)

    def generator(z, train, reuse=False):
        with tf.variable_scope("generator") as scope:
            if reuse:
                scope.reuse_variables()
            with tf.variable_scope("g_h0_lin"):
                m = tf.get_variable("Matrix", [10, 4 * 4 * 8])
                b = tf.get_variable("bias", [4 * 4 * 8])
                v = tf.matmul(z, m) + b
            v = tf.nn.relu(bn(tf.reshape(v, [-1, 4, 4, 8]), "g_bn0", train))
            for i, (size, width) in enumerate([(8, 4), (16, 3)], 1):
                with tf.variable_scope(f"g_h{i}"):
                    w = tf.get_variable("w", [5, 5, width, int(v.shape[-1])])
                    v = tf.nn.conv2d_transpose(v, w, [8, size, size, width], [1, 2, 2, 1])
                    b = tf.get_variable("biases", [width])
                    v = tf.reshape(tf.nn.bias_add(v, b), v.get_shape())
                if i == 1:
                    v = tf.nn.relu(bn(v, f"g_bn{i}", train))
            return tf.nn.tanh(v)

    def discriminator(image, reuse=False):
        with tf.variable_scope("discriminator") as scope:
            if reuse:
                scope.reuse_variables()
            v = tf.layers.conv2d(image, 4, 5, 2, "same", name="d_h0_conv")
            v = tf.nn.leaky_relu(v)
            v = tf.nn.leaky_relu(
                bn(tf.layers.conv2d(v, 8, 5, 2, "same", name="d_h1"), "d_bn1", True)
            )
            v = tf.layers.dense(tf.reshape(v, [8, -1]), 1, name="d_h3_lin")
            return tf.nn.sigmoid(v), v

    G = generator(z, True)
    D, D_logits = discriminator(inputs)
    sampler = generator(z, False, reuse=True)
    D_, D_logits_ = discriminator(G, reuse=True)
    tf.summary.histogram("d", D)
    tf.summary.image("G", G)

    sce = tf.nn.sigmoid_cross_entropy_with_logits
    d_real = tf.reduce_mean(sce(logits=D_logits, labels=tf.ones_like(D)))
    d_fake = tf.reduce_mean(sce(logits=D_logits_, labels=tf.zeros_like(D_)))
    g_loss = tf.reduce_mean(sce(logits=D_logits_, labels=tf.ones_like(D_)))
    d_loss = d_real + d_fake
    tf.summary.scalar("g_loss", g_loss)
    tf.summary.scalar("d_loss", d_loss)
    tv = tf.trainable_variables()
    tf.train.AdamOptimizer(2e-4, beta1=0.5).minimize(
        d_loss, var_list=[v for v in tv if "d_" in v.name]
    )
    tf.train.AdamOptimizer(2e-4, beta1=0.5).minimize(
        g_loss, var_list=[v for v in tv if "g_" in v.name]
    )
    return [[sampler, sampler.op.inputs[0]]]


def seq2seq_udacity(tf):
    inputs = tf.placeholder(tf.int32, [None, None], name="input")
    targets = tf.placeholder(tf.int32, [None, None], name="targets")
    tf.placeholder(tf.float32, name="learning_rate")
    target_length = tf.placeholder(tf.int32, (None,), name="target_sequence_length")
    most = tf.reduce_max(target_length, name="max_target_len")
    source_length = tf.placeholder(tf.int32, (None,), name="source_sequence_length")
    table = tf.Variable(tf.random_uniform([40, 8]))
    with tf.name_scope("encoder"):
        _, state = tf.nn.dynamic_rnn(
            tf.nn.rnn_cell.LSTMCell(8, name="enc"),
            tf.nn.embedding_lookup(table, inputs),
            source_length,
            dtype=tf.float32,
        )
    batch = tf.shape(inputs)[0]
    dec_table = tf.Variable(tf.random_uniform([40, 8]))
    cell = tf.nn.rnn_cell.LSTMCell(8, name="dec")
    output = tf.keras.layers.Dense(40, name="projection")
    with tf.variable_scope("decode"):
        ending = tf.strided_slice(targets, [0, 0], [batch, -1], [1, 1])
        dec_input = tf.concat([tf.fill([batch, 1], 1), ending], 1)
        outs, _ = tf.nn.dynamic_rnn(
            cell, tf.nn.embedding_lookup(dec_table, dec_input), target_length, initial_state=state
        )
        training = output(outs)
    with tf.variable_scope("decode", reuse=True):

        def body(i, token, c, h, ids):
            out, s = cell(
                tf.nn.embedding_lookup(dec_table, token), tf.nn.rnn_cell.LSTMStateTuple(c, h)
            )
            token = tf.argmax(output(out), 1, output_type=tf.int32)
            return i + 1, token, s.c, s.h, ids.write(i, token)

        ids = tf.TensorArray(tf.int32, 0, dynamic_size=True)
        start = tf.tile([1], [batch])
        loop = tf.while_loop(lambda i, *_: i < most, body, (0, start, state.c, state.h, ids))
        inference = tf.transpose(loop[-1].stack())
    training_logits = tf.identity(training, name="logits")
    inference_logits = tf.identity(inference, name="predictions")
    masks = tf.sequence_mask(target_length, most, dtype=tf.float32, name="masks")
    with tf.name_scope("optimization"):
        crossent = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=targets, logits=training_logits
        )
        cost = tf.reduce_sum(crossent * masks) / tf.reduce_sum(masks)
        opt = tf.train.AdamOptimizer(0.001)
        opt.apply_gradients(
            [
                (tf.clip_by_value(g, -1.0, 1.0), v)
                for g, v in opt.compute_gradients(cost)
                if g is not None
            ]
        )
    return [[inference_logits, inference]]


def facenet(tf):
    learning_rate = tf.placeholder(tf.float32, name="learning_rate")
    tf.placeholder(tf.int32, name="batch_size")
    phase = tf.placeholder(tf.bool, name="phase_train")
    paths = tf.placeholder(tf.string, shape=(None, 1), name="image_paths")
    labels = tf.placeholder(tf.int32, shape=(None, 1), name="labels")
    queue = tf.FIFOQueue(100, [tf.string, tf.int32], shapes=[(1,), (1,)])
    queue.enqueue_many([paths, labels], name="enqueue_op")
    names, label = queue.dequeue()
    image = tf.image.decode_image(tf.read_file(names[0]), channels=3)
    image = tf.random_crop(image, [32, 32, 3])
    image.set_shape((32, 32, 3))
    images, label_batch = tf.train.batch([image, label[0]], 4, allow_smaller_final_batch=True)
    image_batch = tf.identity(tf.cast(images, tf.float32), "image_batch")
    image_batch = tf.identity(image_batch, "input")
    label_batch = tf.identity(label_batch, "label_batch")
    with tf.variable_scope("InceptionResnetV1"):
        v = tf.layers.conv2d(image_batch, 8, 3, 2, use_bias=False, name="Conv2d_1a_3x3")
        v = tf.nn.relu(tf.layers.batch_normalization(v, training=phase, name="BatchNorm"))
        with tf.variable_scope("Logits"):
            v = tf.reduce_mean(v, [1, 2], keepdims=False, name="AvgPool_1a_8x8")
            v = tf.layers.flatten(v)
            v = tf.layers.dropout(v, 0.2, training=phase)
        prelogits = tf.layers.dense(v, 16, name="Bottleneck")
    logits = tf.layers.dense(prelogits, 10, name="Logits")
    embeddings = tf.nn.l2_normalize(prelogits, 1, 1e-10, name="embeddings")
    prelogits_norm = tf.reduce_mean(tf.norm(tf.abs(prelogits) + 1e-4, ord=1, axis=1))
    tf.add_to_collection(tf.GraphKeys.REGULARIZATION_LOSSES, prelogits_norm * 1e-3)
    with tf.variable_scope("centers_scope"):
        centers = tf.get_variable("centers", [10, 16], trainable=False)
        batch = tf.gather(centers, label_batch)
        diff = 0.05 * (batch - prelogits)
        centers = tf.scatter_sub(centers, label_batch, diff)
        center_loss = tf.reduce_mean(tf.square(prelogits - batch))
    tf.add_to_collection(tf.GraphKeys.REGULARIZATION_LOSSES, center_loss * 1e-2)
    cross = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=label_batch, logits=logits)
    mean = tf.reduce_mean(cross, name="cross_entropy")
    tf.add_to_collection("losses", mean)
    correct = tf.cast(tf.equal(tf.argmax(logits, 1), tf.cast(label_batch, tf.int64)), tf.float32)
    tf.reduce_mean(correct)
    total = tf.add_n(
        [mean, *tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)], name="total_loss"
    )
    step = tf.Variable(0, trainable=False)
    averages = tf.train.ExponentialMovingAverage(0.9, name="avg").apply([mean, total])
    with tf.control_dependencies([averages]):
        opt = tf.train.AdagradOptimizer(learning_rate)
        grads = opt.compute_gradients(total, tf.global_variables()[:-2])
    apply = opt.apply_gradients([(g, v) for g, v in grads if g is not None], global_step=step)
    ema = tf.train.ExponentialMovingAverage(0.999, step).apply(tf.trainable_variables())
    with tf.control_dependencies([apply, ema]):
        tf.no_op(name="train")
    return [[embeddings, prelogits]]


def exported_detector(tf):
    image = tf.placeholder(tf.uint8, [None, None, None, 3], name="image_tensor")
    v = tf.cast(image, tf.float32, name="ToFloat")
    with tf.name_scope("Preprocessor"):
        v = tf.image.resize_images(v, [32, 32])
        v = (2.0 / 255.0) * v - 1.0
    with tf.variable_scope("FeatureExtractor"):
        v = tf.layers.conv2d(v, 8, 3, 2, "same", activation=tf.nn.relu6, name="Conv2d_0")
        v = tf.layers.conv2d(v, 8, 3, 2, "same", activation=tf.nn.relu6, name="Conv2d_1")
    with tf.variable_scope("BoxPredictor_0"):
        boxes = tf.layers.conv2d(v, 4 * 3, 1, name="BoxEncodingPredictor")
        classes = tf.layers.conv2d(v, 6 * 3, 1, name="ClassPredictor")
        boxes = tf.reshape(boxes, [-1, 192, 4])
        classes = tf.reshape(classes, [-1, 192, 6])
    with tf.name_scope("Postprocessor"):
        decoded = boxes * 0.1 + 0.5
        scores = tf.identity(tf.sigmoid(classes), name="convert_scores")[:, :, 1:]

        def one(args):
            b, s = args
            best = tf.reduce_max(s, 1)
            kept = tf.image.non_max_suppression(b, best, 10)
            pad = 10 - tf.shape(kept)[0]
            return (
                tf.pad(tf.gather(b, kept), [[0, pad], [0, 0]]),
                tf.pad(tf.gather(best, kept), [[0, pad]]),
                tf.pad(tf.to_float(tf.argmax(tf.gather(s, kept), 1)), [[0, pad]]),
                tf.to_float(tf.shape(kept)[0]),
            )

        with tf.name_scope("BatchMultiClassNonMaxSuppression"):
            b, s, c, n = tf.map_fn(one, (decoded, scores), dtype=(tf.float32,) * 4)
    c = c + 1.0
    b = tf.identity(b, name="detection_boxes")
    s = tf.identity(s, name="detection_scores")
    c = tf.identity(c, name="detection_classes")
    n = tf.identity(n, name="num_detections")
    return [[b], [s], [c], [n]]


def resnet_wenxinxu(tf):
    image = tf.placeholder(tf.float32, [8, 16, 16, 3])
    label = tf.placeholder(tf.int32, [8])
    vali_image = tf.placeholder(tf.float32, [8, 16, 16, 3])
    vali_label = tf.placeholder(tf.int32, [8])
    lr = tf.placeholder(tf.float32, [])

    def inference(v, reuse):
        for i in range(2):
            with tf.variable_scope(f"conv{i}", reuse=reuse):
                w = tf.get_variable("conv", [3, 3, int(v.shape[-1]), 4])
                v = tf.nn.conv2d(v, w, [1, 1, 1, 1], "SAME")
                mean, var = tf.nn.moments(v, axes=[0, 1, 2])
                beta, gamma = tf.get_variable("beta", 4), tf.get_variable("gamma", 4)
                v = tf.nn.relu(tf.nn.batch_normalization(v, mean, var, beta, gamma, 0.001))
        with tf.variable_scope("fc", reuse=reuse):
            v = tf.reduce_mean(v, [1, 2])
            w = tf.get_variable("fc_weights", [4, 10])
            b = tf.get_variable("fc_bias", [10])
            return tf.matmul(v, w) + b

    logits = inference(image, False)
    vali = inference(vali_image, True)

    def loss(lo, la):
        e = tf.nn.sparse_softmax_cross_entropy_with_logits(
            logits=lo, labels=tf.cast(la, tf.int64), name="cross_entropy_per_example"
        )
        return tf.reduce_mean(e, name="cross_entropy")

    full = tf.add_n([loss(logits, label)])
    predictions, vali_predictions = tf.nn.softmax(logits), tf.nn.softmax(vali)
    vali_loss = loss(vali, vali_label)
    for p, y in ((predictions, label), (vali_predictions, vali_label)):
        (8 - tf.reduce_sum(tf.cast(tf.nn.in_top_k(p, y, 1), tf.float32))) / 8.0
    step = tf.Variable(0, trainable=False)
    ema = tf.train.ExponentialMovingAverage(0.95, step)
    tf.group(step.assign_add(1), ema.apply([full, vali_loss]))
    tf.summary.scalar("train_loss", full)
    tf.train.MomentumOptimizer(lr, 0.9).minimize(full, global_step=step)
    return [[vali_predictions, vali, predictions, logits]]


def acgan_info(tf):
    inputs = tf.placeholder(tf.float32, [8, 64], name="real_images")
    y = tf.placeholder(tf.float32, [8, 3], name="y")
    z = tf.placeholder(tf.float32, [8, 6], name="z")

    def gen(z, y, training=True, reuse=False):
        with tf.variable_scope("generator", reuse=reuse):
            v = tf.layers.dense(tf.concat([z, y], 1), 16, name="g_fc1")
            v = tf.nn.relu(tf.layers.batch_normalization(v, training=training, name="g_bn1"))
            return tf.nn.sigmoid(tf.layers.dense(v, 64, name="g_fc2"))

    def disc(x, reuse=False):
        with tf.variable_scope("discriminator", reuse=reuse):
            v = tf.nn.leaky_relu(tf.layers.dense(x, 16, name="d_fc1"))
            out = tf.layers.dense(v, 1, name="d_fc2")
            return tf.nn.sigmoid(out), out, v

    def classifier(x, reuse=False):
        with tf.variable_scope("classifier", reuse=reuse):
            out = tf.layers.dense(
                tf.nn.leaky_relu(tf.layers.dense(x, 8, name="c_fc1")), 3, name="c_fc2"
            )
            return tf.nn.softmax(out), out

    _, dr, hr = disc(inputs)
    G = gen(z, y)
    _, df, hf = disc(G, True)

    def sce(a, b):
        return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=a, labels=b(a)))

    d_loss, g_loss = sce(dr, tf.ones_like) + sce(df, tf.zeros_like), sce(df, tf.ones_like)
    _, cf = classifier(hf)
    _, cr = classifier(hr, True)
    q = sum(
        tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=c, labels=y))
        for c in (cf, cr)
    )
    tv = tf.trainable_variables()
    tf.train.AdamOptimizer(1e-4).minimize(d_loss, var_list=[v for v in tv if "d_" in v.name])
    tf.train.AdamOptimizer(1e-4).minimize(g_loss, var_list=[v for v in tv if "g_" in v.name])
    tf.train.AdamOptimizer(1e-4).minimize(
        q, var_list=[v for v in tv if v.name[0:4] in ("gene", "disc", "clas")]
    )
    fake = gen(z, y, False, True)
    tf.summary.scalar("d_loss", d_loss)
    return [[fake, fake.op.inputs[0]]]


def ncf_autorec(tf):
    R = tf.placeholder(tf.float32, [None, 30], name="input_R")
    mask = tf.placeholder(tf.float32, [None, 30], name="input_mask_R")
    V = tf.get_variable("V", [30, 8])
    W = tf.get_variable("W", [8, 30])
    mu = tf.get_variable("mu", [8])
    b = tf.get_variable("b", [30])
    enc = tf.nn.sigmoid(tf.matmul(R, V) + mu)
    decoder = tf.identity(tf.matmul(enc, W) + b)
    pre = tf.multiply(R - decoder, mask)
    rec = tf.square(tf.sqrt(tf.reduce_sum(tf.square(pre))))
    reg = tf.square(tf.sqrt(tf.reduce_sum(tf.square(W)))) + tf.square(
        tf.sqrt(tf.reduce_sum(tf.square(V)))
    )
    cost = rec + 0.5 * reg
    opt = tf.train.AdamOptimizer(1e-3)
    opt.apply_gradients(opt.compute_gradients(cost))
    return [[decoder, decoder.op.inputs[0]]]
