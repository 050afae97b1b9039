"""Makers, agents and eyes, a fourth blind set: written after the third was mended."""


def _scope(tf, name):
    return tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope=name)


def smoothed_generator(tf):
    """A course's first GAN: leaky layers by maximum, smoothed labels, a sampler."""
    inputs_real = tf.placeholder(tf.float32, (None, 784), name="input_real")
    inputs_z = tf.placeholder(tf.float32, (None, 20), name="input_z")

    def generator(z, reuse=False):
        with tf.variable_scope("generator", reuse=reuse):
            h1 = tf.layers.dense(z, 16, activation=None)
            h1 = tf.maximum(0.01 * h1, h1)
            logits = tf.layers.dense(h1, 784, activation=None)
            return tf.tanh(logits), logits

    def discriminator(x, reuse=False):
        with tf.variable_scope("discriminator", reuse=reuse):
            h1 = tf.layers.dense(x, 16, activation=None)
            h1 = tf.maximum(0.01 * h1, h1)
            logits = tf.layers.dense(h1, 1, activation=None)
            return tf.sigmoid(logits), logits

    g_model, _ = generator(inputs_z)
    _, real = discriminator(inputs_real)
    _, fake = discriminator(g_model, reuse=True)
    xent = tf.nn.sigmoid_cross_entropy_with_logits
    d_loss = tf.reduce_mean(xent(logits=real, labels=tf.ones_like(real) * 0.9))
    d_loss += tf.reduce_mean(xent(logits=fake, labels=tf.zeros_like(real)))
    g_loss = tf.reduce_mean(xent(logits=fake, labels=tf.ones_like(fake)))
    tf.train.AdamOptimizer(0.002).minimize(d_loss, var_list=_scope(tf, "discriminator"))
    tf.train.AdamOptimizer(0.002).minimize(g_loss, var_list=_scope(tf, "generator"))
    sample, logits = generator(inputs_z, reuse=True)
    return [[sample, logits]]


def clipped_critic(tf):
    """WGAN: the critic's weights are clipped after each step; no sampler apart."""
    real = tf.placeholder(tf.float32, [None, 16, 16, 1], name="X")
    z = tf.placeholder(tf.float32, [None, 10], name="z")
    with tf.variable_scope("g_net"):
        v = tf.layers.dense(z, 4 * 4 * 8, tf.nn.relu)
        v = tf.layers.conv2d_transpose(tf.reshape(v, [-1, 4, 4, 8]), 4, 4, 2, "same")
        v = tf.layers.conv2d_transpose(tf.nn.relu(v), 1, 4, 2, "same")
        x_ = tf.nn.sigmoid(v)

    def d_net(x, reuse):
        with tf.variable_scope("d_net", reuse=reuse):
            v = tf.nn.leaky_relu(tf.layers.conv2d(x, 4, 4, 2))
            return tf.layers.dense(tf.layers.flatten(v), 1)

    d, d_ = d_net(real, False), d_net(x_, True)
    g_loss = tf.reduce_mean(d_)
    d_loss = tf.reduce_mean(d) - tf.reduce_mean(d_)
    d_vars = _scope(tf, "d_net")
    tf.train.RMSPropOptimizer(5e-5).minimize(d_loss, var_list=d_vars)
    tf.train.RMSPropOptimizer(5e-5).minimize(g_loss, var_list=_scope(tf, "g_net"))
    tf.group(*[v.assign(tf.clip_by_value(v, -0.01, 0.01)) for v in d_vars])
    return [[x_, v]]


def variational_by_distribution(tf):
    """A VAE whose samples come from a prior in the graph; names by a template."""
    data = tf.placeholder(tf.float32, [None, 28, 28])
    make_decoder = tf.make_template("decoder", lambda code: tf.reshape(
        tf.layers.dense(tf.layers.dense(code, 16, tf.nn.relu), 784), [-1, 28, 28]))  # fmt: skip
    with tf.variable_scope("encoder"):
        x = tf.layers.dense(tf.layers.flatten(data), 16, tf.nn.relu)
        loc = tf.layers.dense(x, 2)
        scale = tf.layers.dense(x, 2, tf.nn.softplus)
    code = loc + scale * tf.random_normal(tf.shape(loc))
    logit = make_decoder(code)
    likelihood = -tf.reduce_sum(
        tf.nn.sigmoid_cross_entropy_with_logits(labels=data, logits=logit), [1, 2]
    )
    divergence = 0.5 * tf.reduce_sum(scale**2 + loc**2 - 1 - 2 * tf.log(scale), 1)
    tf.train.AdamOptimizer(0.001).minimize(-tf.reduce_mean(likelihood - divergence))
    sample_logit = make_decoder(tf.random_normal([10, 2]))
    samples = tf.sigmoid(sample_logit)
    return [[samples, sample_logit], [loc, code]]


def cart_and_pole(tf):
    """A first DQN: the whole vector of Q is fitted, one network."""
    X = tf.placeholder(tf.float32, [None, 4], name="input_x")
    Y = tf.placeholder(shape=[None, 2], dtype=tf.float32)
    with tf.variable_scope("main"):
        W1 = tf.get_variable("W1", shape=[4, 10])
        layer1 = tf.nn.tanh(tf.matmul(X, W1))
        W2 = tf.get_variable("W2", shape=[10, 2])
        Qpred = tf.matmul(layer1, W2)
    loss = tf.reduce_mean(tf.square(Y - Qpred))
    tf.train.AdamOptimizer(learning_rate=0.1).minimize(loss)
    return [[Qpred]]


def descriptors_of_places(tf):
    """NetVLAD: soft assignments, residuals summed, unit twice; triplets of three runs."""
    batches = [tf.placeholder(tf.float32, [None, 32, 32, 3], n) for n in ("anchor", "pos", "neg")]

    def describe(x):
        with tf.variable_scope("net", reuse=tf.AUTO_REUSE):
            v = tf.layers.conv2d(x, 8, 3, 4, "same", name="conv")
            v = tf.reshape(tf.nn.l2_normalize(v, 3), [-1, 64, 8])
            s = tf.nn.softmax(tf.layers.dense(v, 4, name="assignment"))
            c = tf.get_variable("centers", [1, 1, 8, 4])
            res = (v[..., None] + c) * s[:, :, None, :]
            vlad = tf.nn.l2_normalize(tf.reduce_sum(res, 1), 1)
            return tf.nn.l2_normalize(tf.layers.flatten(vlad), 1)

    a, p, n = (describe(x) for x in batches)
    near = tf.reduce_sum(tf.square(a - p), 1)
    far = tf.reduce_sum(tf.square(a - n), 1)
    loss = tf.reduce_mean(tf.maximum(0.0, 0.1 + near - far))
    tf.train.AdamOptimizer(1e-4).minimize(loss)
    return [[a, p, n]]


def plates(tf):
    """A licence plate: a head a letter, all arg-maxes side by side."""
    image = tf.placeholder(tf.float32, [None, 24, 72, 3], "image_holder")
    label = tf.placeholder(tf.int32, [None, 4], "label_holder")
    keep = tf.placeholder(tf.float32)
    v = tf.layers.conv2d(image, 8, 5, 3, "same", activation=tf.nn.relu)
    v = tf.nn.dropout(tf.layers.dense(tf.layers.flatten(v), 16, tf.nn.relu), keep)
    logits = [tf.layers.dense(v, 34, name=f"fc2{i}") for i in range(4)]
    losses = [
        tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(logits=l_, labels=label[:, i])
        )
        for i, l_ in enumerate(logits)
    ]
    for each in losses:
        tf.train.AdamOptimizer(1e-4).minimize(each)
    concat = tf.concat(logits, 0)
    evaluation = tf.nn.in_top_k(concat, tf.reshape(tf.transpose(label), [-1]), 1)
    tf.reduce_mean(tf.cast(evaluation, tf.float32))
    pre = [tf.argmax(each, 1) for each in logits]
    return [
        [pre[0], logits[0], concat],
        *([p, l_] for p, l_ in zip(pre[1:], logits[1:], strict=True)),
    ]


def points_on_faces(tf):
    """Face alignment: what is to be moved is added to a mean shape."""
    image = tf.placeholder(tf.float32, [None, 32, 32, 1], "InputImage")
    truth = tf.placeholder(tf.float32, [None, 136], "GroundTruth")
    training = tf.placeholder(tf.bool, name="S1_isTrain")
    mean_shape = tf.constant(0.5, shape=[136], name="MeanShape")
    with tf.variable_scope("Stage1"):
        v = tf.layers.batch_normalization(
            tf.layers.conv2d(image, 8, 3, 4, activation=tf.nn.relu), training=training
        )
        v = tf.layers.dense(tf.layers.dropout(tf.layers.flatten(v), 0.5, training=training), 16)
        moved = tf.layers.dense(tf.nn.relu(v), 136)
        landmark = moved + mean_shape
        gt = tf.reshape(truth, [-1, 68, 2])
        out = tf.reshape(landmark, [-1, 68, 2])
        error = tf.reduce_mean(tf.sqrt(tf.reduce_sum(tf.squared_difference(gt, out), 2)), 1)
        cost = tf.reduce_mean(error / tf.norm(gt[:, 0] - gt[:, 1], axis=1))
        with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
            tf.train.AdamOptimizer(0.001).minimize(cost)
    return [[landmark, out, moved]]


def pictures_of_ten_kinds(tf):
    """A CIFAR network as a tutorial prints it, with rates and names of its own."""
    x = tf.placeholder(tf.float32, shape=[None, 3072], name="Input")
    y = tf.placeholder(tf.float32, shape=[None, 10], name="Output")
    learning_rate = tf.placeholder(tf.float32, shape=[], name="learning_rate")
    with tf.variable_scope("main_params"):
        x_image = tf.reshape(x, [-1, 32, 32, 3], name="images")
        step = tf.Variable(initial_value=0, trainable=False, name="global_step")
    with tf.variable_scope("conv1"):
        v = tf.layers.conv2d(x_image, 8, 3, 2, "same", activation=tf.nn.relu)
        v = tf.layers.dropout(tf.layers.max_pooling2d(v, 2, 2, "same"), rate=0.25, name="dropout")
    with tf.variable_scope("fully_connected"):
        v = tf.layers.dense(tf.reshape(v, [-1, 512]), 16, tf.nn.relu)
        softmax = tf.layers.dense(v, 10, tf.nn.softmax, name="softmax")
    y_pred_cls = tf.argmax(softmax, axis=1)
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=softmax, labels=y))
    tf.train.AdamOptimizer(learning_rate, beta1=0.9).minimize(loss, global_step=step)
    right = tf.equal(y_pred_cls, tf.argmax(y, axis=1))
    tf.summary.scalar("Accuracy", tf.reduce_mean(tf.cast(right, tf.float32)))
    return [[y_pred_cls, softmax, softmax.op.inputs[0]]]


def second_yolo(tf):
    """YOLO v2: one map, decoded into boxes, confidences and classes."""
    x = tf.placeholder(tf.float32, [None, 64, 64, 3], "input")
    target = tf.placeholder(tf.float32, [None, 4, 4, 2, 8], "target")
    v = x
    for i in range(4):
        v = tf.nn.leaky_relu(tf.layers.conv2d(v, 8, 3, 2, "same", name=f"conv{i}"), 0.1)
    output = tf.layers.conv2d(v, 16, 1, name="conv_dec")
    det = tf.reshape(output, [-1, 16, 2, 8])
    xy, wh = tf.nn.sigmoid(det[..., 0:2]), tf.exp(det[..., 2:4])
    obj, cls = tf.nn.sigmoid(det[..., 4]), tf.nn.softmax(det[..., 5:])
    t = tf.reshape(target, [-1, 16, 2, 8])
    mask = t[..., 4]
    loss = tf.reduce_sum(
        mask[..., None] * (tf.square(xy - t[..., 0:2]) + tf.square(wh - t[..., 2:4]))
    )
    loss += tf.reduce_sum(tf.square(obj - mask))
    loss += tf.reduce_sum(mask * tf.reduce_sum(tf.square(cls - t[..., 5:]), 3))
    tf.train.MomentumOptimizer(1e-3, 0.9).minimize(loss)
    return [[output, det]]


def salient_things(tf):
    """Side outputs fused at the end; every one is trained, the last is shown."""
    img = tf.placeholder(tf.float32, [1, 32, 32, 3], "Image")
    label = tf.placeholder(tf.float32, [1024, 2], "Label")
    v, maps = img, []
    for i in range(3):
        v = tf.layers.conv2d(
            v, 8, 3, 1 if i == 0 else 2, "same", activation=tf.nn.relu, name=f"c{i}"
        )
        maps.append(
            tf.image.resize_bilinear(tf.layers.conv2d(v, 8, 3, 1, "same", name=f"f{i}"), (32, 32))
        )
    with tf.variable_scope("fusion"):
        score = tf.layers.conv2d(tf.concat(maps, 3), 2, 1, name="score")
    score = tf.reshape(score, [-1, 2])
    prob = tf.nn.softmax(score)
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=score, labels=label))
    inter = tf.reduce_sum(prob[:, 0] * label[:, 0])
    loss += 1 - (2 * inter + 1) / (tf.reduce_sum(prob[:, 0]) + tf.reduce_sum(label[:, 0]) + 1)
    tvars = tf.trainable_variables()
    grads, _ = tf.clip_by_global_norm(tf.gradients(loss, tvars), 1.0)
    tf.train.AdamOptimizer(1e-5).apply_gradients(zip(grads, tvars, strict=True))
    tf.reduce_mean(tf.cast(tf.equal(tf.argmax(score, 1), tf.argmax(label, 1)), tf.float32))
    return [[prob, score, score.op.inputs[0]]]


def joints_as_expectation(tf):
    """Soft arg-max: the expectation of coordinates over a heat map."""
    x = tf.placeholder(tf.float32, [None, 32, 32, 3], "x")
    joints = tf.placeholder(tf.float32, [None, 5, 2], "joints")
    heat = tf.layers.conv2d(
        tf.layers.conv2d(x, 8, 5, 2, "same", activation=tf.nn.relu), 5, 3, 2, "same"
    )
    prob = tf.nn.softmax(tf.reshape(tf.transpose(heat, [0, 3, 1, 2]), [-1, 5, 64]))
    grid = tf.constant([[i / 8, j / 8] for i in range(8) for j in range(8)], tf.float32)
    coords = tf.tensordot(prob, grid, 1)
    loss = tf.reduce_mean(tf.norm(coords - joints, axis=2))
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[coords]]


def any_style(tf):
    """AdaIN: a fixed encoder, statistics exchanged, a decoder that is trained."""
    content = tf.placeholder(tf.float32, [None, 32, 32, 3], "content")
    style = tf.placeholder(tf.float32, [None, 32, 32, 3], "style")
    w = tf.constant(0.1, shape=[3, 3, 3, 8])

    def encode(x):
        return tf.nn.relu(tf.nn.conv2d(x - 120.0, w, [1, 2, 2, 1], "SAME"))

    def moments(x):
        mean, var = tf.nn.moments(x, [1, 2], keep_dims=True)
        return mean, tf.sqrt(var + 1e-5)

    enc_c, enc_s = encode(content), encode(style)
    (mc, sc), (ms, ss) = moments(enc_c), moments(enc_s)
    target = (enc_c - mc) / sc * ss + ms
    with tf.variable_scope("decoder"):
        v = tf.image.resize_nearest_neighbor(target, (32, 32))
        v = tf.layers.conv2d(v, 8, 3, 1, "same", activation=tf.nn.relu)
        v = tf.layers.conv2d(v, 3, 3, 1, "same")
    generated = tf.clip_by_value(v + 120.0, 0.0, 255.0)
    enc_g = encode(generated)
    (mg, sg) = moments(enc_g)
    loss = tf.reduce_sum(tf.square(enc_g - target))
    loss += 2.0 * (tf.reduce_sum(tf.square(mg - ms)) + tf.reduce_sum(tf.square(sg - ss)))
    tf.train.AdamOptimizer(1e-4).minimize(loss)
    return [[generated, v]]
