"""Pictures, a sixth blind set: written, its heads too, before anybody had looked at the rules."""


def keras_convnet_fitted(tf):
    """A Sequential model of tf.keras inside TensorFlow 1, with the graph of `fit` around it."""
    model = tf.keras.models.Sequential(
        [
            tf.keras.layers.Conv2D(8, (3, 3), activation="relu", input_shape=(28, 28, 1)),
            tf.keras.layers.MaxPooling2D((2, 2)),
            tf.keras.layers.Dropout(0.25),
            tf.keras.layers.Flatten(),
            tf.keras.layers.Dense(16, activation="relu"),
            tf.keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adadelta", "categorical_crossentropy", metrics=["accuracy"])
    model._make_train_function()
    return [[model.output, model.output.op.inputs[0]]]


def keras_ages_and_genders(tf):
    """Two outputs of a functional model, each with its own loss and metric."""
    layers = tf.keras.layers
    image = tf.keras.Input((32, 32, 3), name="image")
    x = layers.Conv2D(8, 3, strides=2, use_bias=False)(image)
    x = layers.Activation("relu")(layers.BatchNormalization()(x))
    x = layers.GlobalAveragePooling2D()(x)
    age = layers.Dense(101, activation="softmax", name="pred_age")(x)
    gender = layers.Dense(2, activation="softmax", name="pred_gender")(x)
    model = tf.keras.Model(inputs=image, outputs=[gender, age])
    model.compile("sgd", ["categorical_crossentropy"] * 2, metrics=["accuracy"])
    model._make_train_function()
    return [[each, each.op.inputs[0]] for each in model.outputs]


def slim_mobile_evaluated(tf):
    """A separable net as slim writes it, with its evaluation beside the loss."""
    images = tf.placeholder(tf.float32, [None, 32, 32, 3], "Placeholder")
    labels = tf.placeholder(tf.int64, [None], "labels")
    is_training = tf.placeholder_with_default(False, [], "is_training")
    end_points = {}
    with tf.variable_scope("MobilenetV1"):
        net = images
        for i, depth in enumerate([8, 16, 16]):
            with tf.variable_scope(f"Conv2d_{i}"):
                net = tf.layers.separable_conv2d(net, depth, 3, 2, "same", use_bias=False)
                net = tf.layers.batch_normalization(net, training=is_training, name="BatchNorm")
                net = tf.nn.relu6(net)
        with tf.variable_scope("Logits"):
            net = tf.reduce_mean(net, [1, 2], keepdims=True, name="global_pool")
            net = tf.layers.dropout(net, 0.001, training=is_training, name="Dropout_1b")
            logits = tf.layers.conv2d(net, 11, 1, name="Conv2d_1c_1x1")
            logits = tf.squeeze(logits, [1, 2], name="SpatialSqueeze")
        with tf.variable_scope("Predictions"):
            flat = tf.reshape(logits, [-1, 11])
            soft = tf.nn.softmax(flat)
            end_points["Predictions"] = tf.reshape(soft, tf.shape(logits), name="Reshape_1")
    tf.losses.sparse_softmax_cross_entropy(labels, logits)
    total = tf.losses.get_total_loss()
    accuracy, _update = tf.metrics.accuracy(labels, tf.argmax(logits, 1))
    recall, _more = tf.metrics.recall_at_k(labels, logits, 5)
    tf.summary.scalar("eval/accuracy", accuracy)
    tf.summary.scalar("eval/recall5", recall)
    step = tf.train.get_or_create_global_step()
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        tf.train.RMSPropOptimizer(0.045, 0.9, 0.9, 1.0).minimize(total, global_step=step)
    ends = [end_points["Predictions"], logits, soft, flat]
    return [[*ends, logits.op.inputs[0]]]


def student_of_a_teacher(tf):
    """Distillation: a big net's soft targets, a small net that is kept."""
    x = tf.placeholder(tf.float32, [None, 784], "x")
    y = tf.placeholder(tf.float32, [None, 10], "y")
    temperature = tf.placeholder(tf.float32, (), "temperature")
    with tf.variable_scope("teacher"):
        h = tf.layers.dense(tf.layers.dense(x, 64, tf.nn.relu), 64, tf.nn.relu)
        t_logits = tf.layers.dense(tf.nn.dropout(h, keep_prob=0.5), 10)
        t_soft = tf.nn.softmax(t_logits / temperature)
    with tf.variable_scope("student"):
        h = tf.layers.dense(x, 16, tf.nn.relu)
        s_logits = tf.layers.dense(h, 10)
        prediction = tf.nn.softmax(s_logits, name="prediction")
    xent = tf.nn.softmax_cross_entropy_with_logits_v2
    hard = tf.reduce_mean(xent(labels=y, logits=s_logits))
    soft = tf.reduce_mean(xent(labels=tf.stop_gradient(t_soft), logits=s_logits / temperature))
    loss = hard + tf.square(temperature) * soft
    t_loss = tf.reduce_mean(xent(labels=y, logits=t_logits))
    s_vars = tf.trainable_variables("student")
    t_vars = tf.trainable_variables("teacher")
    tf.train.AdamOptimizer(1e-3).minimize(loss, var_list=s_vars)
    tf.train.AdamOptimizer(1e-3).minimize(t_loss, var_list=t_vars)
    right = tf.equal(tf.argmax(prediction, 1), tf.argmax(y, 1))
    tf.summary.scalar("accuracy", tf.reduce_mean(tf.cast(right, tf.float32)))
    return [[prediction, s_logits]]


def domains_reversed(tf):
    """DANN: labels of the source, domains behind a reversed gradient."""
    X = tf.placeholder(tf.uint8, [None, 28, 28, 3])
    y = tf.placeholder(tf.float32, [None, 10])
    domain = tf.placeholder(tf.float32, [None, 2])
    scale = tf.placeholder(tf.float32, [])
    train = tf.placeholder(tf.bool, [])
    with tf.variable_scope("feature_extractor"):
        h = tf.layers.conv2d((tf.cast(X, tf.float32) - 127.0) / 255.0, 8, 5, 4)
        feature = tf.reshape(tf.nn.relu(h), [-1, 6 * 6 * 8])
    with tf.variable_scope("label_predictor"):
        source = lambda: tf.slice(feature, [0, 0], [tf.shape(feature)[0] // 2, -1])  # noqa: E731
        classify = tf.cond(train, source, lambda: feature)
        known = tf.cond(train, lambda: y[: tf.shape(y)[0] // 2], lambda: y)
        W = tf.Variable(tf.truncated_normal([6 * 6 * 8, 10], stddev=0.1))
        logits = tf.matmul(classify, W) + tf.Variable(tf.constant(0.1, shape=[10]))
        pred = tf.nn.softmax(logits)
        pred_loss = tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=known)
    with tf.variable_scope("domain_predictor"):
        flipped = feature * -scale + tf.stop_gradient(feature * (1 + scale))
        d_logits = tf.layers.dense(tf.layers.dense(flipped, 16, tf.nn.relu), 2)
        domain_pred = tf.nn.softmax(d_logits)
        d_loss = tf.nn.softmax_cross_entropy_with_logits(logits=d_logits, labels=domain)
    total = tf.reduce_mean(pred_loss) + tf.reduce_mean(d_loss)
    tf.train.MomentumOptimizer(scale, 0.9).minimize(total)
    right = tf.equal(tf.argmax(known, 1), tf.argmax(pred, 1))
    tf.reduce_mean(tf.cast(right, tf.float32))
    right = tf.equal(tf.argmax(domain, 1), tf.argmax(domain_pred, 1))
    tf.reduce_mean(tf.cast(right, tf.float32))
    return [[pred, logits]]


def ages_as_expectations(tf):
    """A softmax over a hundred and one years; the age is its expectation."""
    faces = tf.placeholder(tf.float32, [None, 32, 32, 3], "input_images")
    ages = tf.placeholder(tf.float32, [None], "age_labels")
    net = tf.layers.conv2d(faces, 8, 3, 2, activation=tf.nn.relu)
    net = tf.layers.conv2d(net, 8, 3, 2, activation=tf.nn.relu)
    logits = tf.layers.dense(tf.layers.flatten(net), 101, name="logits")
    years = tf.cast(tf.range(101), tf.float32)
    age = tf.reduce_sum(tf.multiply(tf.nn.softmax(logits), years), axis=1)
    xent = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.cast(ages, tf.int32), logits=logits
    )
    mae = tf.losses.absolute_difference(age, ages)
    tf.summary.scalar("mae", mae)
    tf.train.AdamOptimizer(1e-4).minimize(tf.reduce_mean(xent) + 0.1 * mae)
    return [[age], [logits, age.op.inputs[0].op.inputs[0]]]


def tracked_by_correlation(tf):
    """SiamFC: an exemplar's features slide over an instance's; the map of responses is fetched."""
    z = tf.placeholder(tf.float32, [1, 31, 31, 3], "exemplar")
    x = tf.placeholder(tf.float32, [1, 63, 63, 3], "instance")
    gt = tf.placeholder(tf.float32, [1, 17, 17, 1], "gt")

    def features(image):
        with tf.variable_scope("siamese_fc", reuse=tf.AUTO_REUSE):
            h = tf.layers.conv2d(image, 8, 3, 2, activation=tf.nn.relu, name="conv1")
            return tf.layers.conv2d(h, 8, 3, 1, name="conv2")

    fz, fx = features(z), features(x)
    kernel = tf.transpose(fz, [1, 2, 3, 0])
    response = tf.nn.conv2d(fx, kernel, [1, 1, 1, 1], "VALID")
    response = 1e-3 * response + tf.get_variable("adjust_bias", [1])
    xent = tf.nn.sigmoid_cross_entropy_with_logits(logits=response, labels=gt)
    loss = tf.reduce_mean(xent)
    step = tf.train.get_or_create_global_step()
    rate = tf.train.exponential_decay(1e-2, step, 100, 0.9)
    tf.train.MomentumOptimizer(rate, 0.9).minimize(loss, global_step=step)
    tf.summary.image("response", tf.sigmoid(response))
    return [[response]]


def pyramids_parsed(tf):
    """PSPNet: pyramid pooling, an auxiliary head, arg-max of the enlarged main one."""
    img = tf.placeholder(tf.float32, [1, 64, 64, 3], "image_batch")
    lab = tf.placeholder(tf.int32, [1, 64, 64, 1], "label_batch")
    h = tf.layers.conv2d(img, 8, 3, 2, "same", activation=tf.nn.relu, name="conv1_1")
    aux_in = tf.layers.conv2d(h, 8, 3, 2, "same", activation=tf.nn.relu, name="conv4_22")
    h = tf.layers.conv2d(aux_in, 8, 3, 2, "same", activation=tf.nn.relu, name="conv5_3")
    pools = [h]
    for size in (8, 4):
        p = tf.nn.avg_pool(h, [1, size, size, 1], [1, size, size, 1], "SAME")
        p = tf.layers.conv2d(p, 4, 1, activation=tf.nn.relu, name=f"conv5_3_pool{size}_conv")
        pools.append(tf.image.resize_bilinear(p, [8, 8], align_corners=True))
    h = tf.layers.conv2d(tf.concat(pools, 3), 8, 3, 1, "same", activation=tf.nn.relu)
    raw = tf.layers.conv2d(h, 19, 1, name="conv6")
    aux = tf.layers.conv2d(aux_in, 19, 1, name="aux_conv6")
    up = tf.image.resize_bilinear(raw, [64, 64], align_corners=True)
    pred = tf.expand_dims(tf.argmax(up, 3), 3)

    def loss_of(out):
        small = tf.image.resize_nearest_neighbor(lab, out.shape[1:3])
        gt = tf.reshape(small, [-1])
        keep = tf.squeeze(tf.where(tf.less_equal(gt, 18)), 1)
        chosen = tf.gather(tf.reshape(out, [-1, 19]), keep)
        xent = tf.nn.sparse_softmax_cross_entropy_with_logits(
            logits=chosen, labels=tf.gather(gt, keep)
        )
        return tf.reduce_mean(xent)

    decay = [1e-4 * tf.nn.l2_loss(v) for v in tf.trainable_variables() if "kernel" in v.name]
    total = loss_of(raw) + 0.4 * loss_of(aux) + tf.add_n(decay)
    tf.train.MomentumOptimizer(1e-3, 0.9).minimize(total)
    return [[pred, pred.op.inputs[0], up, raw]]


def stages_of_belief(tf):
    """Convolutional pose machines: belief maps refined by stages; the last is the answer."""
    image = tf.placeholder(tf.float32, (None, 64, 64, 3), "input_placeholder")
    gt = tf.placeholder(tf.float32, (None, 8, 8, 15), "gt_hmap_placeholder")
    centre = tf.placeholder(tf.float32, (None, 64, 64, 1), "cmap_placeholder")
    with tf.variable_scope("sub_stages"):
        f = image
        for i in range(3):
            f = tf.layers.conv2d(f, 8, 3, 2, "same", activation=tf.nn.relu, name=f"conv{i}")
    cmap = tf.layers.average_pooling2d(centre, 9, 8, "same")
    stages = []
    with tf.variable_scope("stage_1"):
        h = tf.layers.conv2d(f, 16, 1, activation=tf.nn.relu, name="conv1")
        stages.append(tf.layers.conv2d(h, 15, 1, name="stage_heatmap"))
    for stage in (2, 3):
        with tf.variable_scope(f"stage_{stage}"):
            h = tf.concat([stages[-1], f, cmap], 3)
            h = tf.layers.conv2d(h, 8, 7, 1, "same", activation=tf.nn.relu, name="mid_conv1")
            stages.append(tf.layers.conv2d(h, 15, 1, name="mid_conv7"))
    total = 0.0
    for i, each in enumerate(stages):
        with tf.variable_scope(f"stage{i + 1}_loss"):
            loss = tf.nn.l2_loss(each - gt, name="l2_loss") / 16.0
            tf.summary.scalar(f"stage{i + 1}_loss", loss)
            total += loss
    step = tf.train.get_or_create_global_step()
    rate = tf.train.exponential_decay(1e-4, step, 2000, 0.9)
    optimizer = tf.train.AdamOptimizer(rate)
    grads, variables = zip(*optimizer.compute_gradients(total), strict=True)
    grads, _ = tf.clip_by_global_norm(grads, 5.0)
    optimizer.apply_gradients(zip(grads, variables, strict=True), step)
    return [[stages[-1]]]


def haze_removed(tf):
    """AOD-Net: one map K, the picture is K * x - K + b."""
    hazy = tf.placeholder(tf.float32, [None, 32, 32, 3], "haze_image")
    clear = tf.placeholder(tf.float32, [None, 32, 32, 3], "clear_image")
    x1 = tf.layers.conv2d(hazy, 3, 1, 1, "same", activation=tf.nn.relu)
    x2 = tf.layers.conv2d(x1, 3, 3, 1, "same", activation=tf.nn.relu)
    x3 = tf.layers.conv2d(tf.concat([x1, x2], 3), 3, 5, 1, "same", activation=tf.nn.relu)
    k = tf.layers.conv2d(tf.concat([x1, x2, x3], 3), 3, 3, 1, "same", activation=tf.nn.relu)
    output = tf.nn.relu(k * hazy - k + 1.0)
    loss = tf.reduce_mean(tf.square(output - clear))
    tf.summary.scalar("loss", loss)
    tf.summary.image("result", output)
    tf.summary.scalar("psnr", tf.reduce_mean(tf.image.psnr(output, clear, 1.0)))
    tf.train.AdamOptimizer(1e-4).minimize(loss)
    return [[output]]


def tiles_reconstructed(tf):
    """ESPCN: sub-pixels at the end, an input that is scaled outside."""
    lr = tf.placeholder(tf.float32, [None, 17, 17, 1], "input")
    hr = tf.placeholder(tf.float32, [None, 51, 51, 1], "labels")
    w1 = tf.Variable(tf.random_normal([5, 5, 1, 16], stddev=0.001), name="w1")
    w2 = tf.Variable(tf.random_normal([3, 3, 16, 8], stddev=0.001), name="w2")
    w3 = tf.Variable(tf.random_normal([3, 3, 8, 9], stddev=0.001), name="w3")
    b1, b2, b3 = (tf.Variable(tf.zeros([n]), name=f"b{n}") for n in (16, 8, 9))
    conv1 = tf.nn.tanh(tf.nn.conv2d(lr, w1, [1, 1, 1, 1], "SAME") + b1)
    conv2 = tf.nn.tanh(tf.nn.conv2d(conv1, w2, [1, 1, 1, 1], "SAME") + b2)
    conv3 = tf.nn.bias_add(tf.nn.conv2d(conv2, w3, [1, 1, 1, 1], "SAME"), b3)
    pred = tf.depth_to_space(conv3, 3)
    loss = tf.reduce_mean(tf.square(hr - pred))
    tf.train.AdamOptimizer(1e-5).minimize(loss)
    return [[pred]]


def boxes_multiple_scales(tf):
    """An SSD: locations and confidences of two maps, hard negatives mined in the loss."""
    image = tf.placeholder(tf.float32, [None, 64, 64, 3], "X")
    y_conf = tf.placeholder(tf.int32, [None, 320], "y_conf")
    y_loc = tf.placeholder(tf.float32, [None, 320, 4], "y_loc")
    conf_mask = tf.placeholder(tf.float32, [None, 320], "conf_mask")
    net = tf.layers.conv2d(image, 8, 3, 4, "same", activation=tf.nn.relu)
    maps = []
    for _ in range(2):
        net = tf.layers.conv2d(net, 8, 3, 2, "same", activation=tf.nn.relu)
        maps.append(net)
    confs, locs = [], []
    for m in maps:
        out = tf.layers.conv2d(m, 4 * (7 + 4), 3, 1, "same")
        out = tf.reshape(out, [-1, int(m.shape[1]) * int(m.shape[2]) * 4, 11])
        confs.append(out[:, :, :7])
        locs.append(out[:, :, 7:])
    conf = tf.concat(confs, 1, name="conf")
    loc = tf.concat(locs, 1, name="loc")
    xent = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=conf, labels=y_conf)
    conf_loss = tf.reduce_sum(conf_mask * xent)
    diff = loc - y_loc
    bent = tf.where(tf.abs(diff) < 1, 0.5 * tf.square(diff), tf.abs(diff) - 0.5)
    positive = tf.cast(tf.greater(y_conf, 0), tf.float32)
    loc_loss = tf.reduce_sum(positive * tf.reduce_sum(bent, 2))
    tf.train.AdamOptimizer(1e-3).minimize(conf_loss + loc_loss)
    probs = tf.nn.softmax(conf)
    best, classes = tf.reduce_max(probs, 2, name="probs"), tf.argmax(probs, 2, name="preds")
    return [[classes, best, probs, conf], [loc]]


def gradients_penalised(tf):
    """WGAN-GP whose samples come from noise made in the graph, scaled to pictures of integers."""
    real_int = tf.placeholder(tf.int32, [16, 3 * 16 * 16])
    real = tf.reshape(2 * ((tf.cast(real_int, tf.float32) / 255.0) - 0.5), [16, 768])

    def generator(n, noise=None):
        with tf.variable_scope("Generator", reuse=tf.AUTO_REUSE):
            noise = tf.random_normal([n, 16]) if noise is None else noise
            h = tf.nn.relu(tf.layers.dense(noise, 4 * 4 * 8, name="Input"))
            h = tf.reshape(h, [-1, 4, 4, 8])
            h = tf.nn.relu(tf.layers.conv2d_transpose(h, 4, 5, 2, "same", name="2"))
            h = tf.tanh(tf.layers.conv2d_transpose(h, 3, 5, 2, "same", name="5"))
            return tf.reshape(h, [-1, 768])

    def discriminator(x):
        with tf.variable_scope("Discriminator", reuse=tf.AUTO_REUSE):
            h = tf.nn.leaky_relu(tf.layers.dense(x, 16, name="1"))
            return tf.reshape(tf.layers.dense(h, 1, name="Output"), [-1])

    fake = generator(16)
    disc_real, disc_fake = discriminator(real), discriminator(fake)
    gen_cost = -tf.reduce_mean(disc_fake)
    disc_cost = tf.reduce_mean(disc_fake) - tf.reduce_mean(disc_real)
    alpha = tf.random_uniform([16, 1], 0.0, 1.0)
    between = real + alpha * (fake - real)
    grads = tf.gradients(discriminator(between), [between])[0]
    slopes = tf.sqrt(tf.reduce_sum(tf.square(grads), [1]))
    disc_cost += 10 * tf.reduce_mean((slopes - 1.0) ** 2)
    tf.train.AdamOptimizer(1e-4, 0.0, 0.9).minimize(
        gen_cost, var_list=tf.trainable_variables("Generator")
    )
    tf.train.AdamOptimizer(1e-4, 0.0, 0.9).minimize(
        disc_cost, var_list=tf.trainable_variables("Discriminator")
    )
    fixed = tf.constant([[0.1] * 16] * 8)
    samples = generator(8, noise=fixed)
    return [[samples, fake, samples.op.inputs[0], fake.op.inputs[0]]]
