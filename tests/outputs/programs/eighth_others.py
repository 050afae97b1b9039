"""More kinds, the rest of the eighth blind set: written after the seventh was mended."""


def _scoped(tf, name):
    return tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope=name)


def series_long_and_short(tf):
    """LSTNet: convolution, a GRU, and an autoregression that is added at the end."""
    x = tf.placeholder(tf.float32, [None, 24, 5], "x")
    y = tf.placeholder(tf.float32, [None, 5], "y")
    keep = tf.placeholder(tf.float32, name="keep_prob")
    c = tf.nn.relu(tf.layers.conv1d(x, 8, 6))
    _, r = tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(8), tf.nn.dropout(c, keep), dtype=tf.float32)
    res = tf.layers.dense(tf.nn.dropout(r, keep), 5)
    z = tf.reshape(tf.transpose(x[:, -7:], [0, 2, 1]), [-1, 7])
    res += tf.reshape(tf.layers.dense(z, 1), [-1, 5])
    loss = tf.reduce_mean(tf.abs(y - res))
    rse = tf.sqrt(tf.reduce_sum(tf.square(y - res)) / tf.reduce_sum(tf.square(y)))
    tf.summary.scalar("rse", rse)
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[res]]


def clouds_segmented(tf):
    """PointNet: an alignment that is regularised, points classified."""
    points = tf.placeholder(tf.float32, [4, 64, 3], "pointclouds_pl")
    labels = tf.placeholder(tf.int32, [4, 64], "labels_pl")
    training = tf.placeholder(tf.bool, [], "is_training_pl")
    h = tf.layers.conv1d(points, 8, 1, activation=tf.nn.relu, name="tconv1")
    t = tf.layers.dense(tf.reduce_max(h, 1), 9, name="transform_XYZ")
    transform = tf.reshape(t, [4, 3, 3])
    x = tf.matmul(points, transform)
    f = tf.layers.conv1d(x, 8, 1, name="conv1")
    f = tf.nn.relu(tf.layers.batch_normalization(f, training=training))
    g = tf.tile(tf.reduce_max(f, 1, keepdims=True), [1, 64, 1])
    net = tf.layers.conv1d(tf.concat([f, g], 2), 8, 1, activation=tf.nn.relu, name="conv2")
    net = tf.layers.conv1d(net, 6, 1, name="conv3")
    xent = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=net, labels=labels)
    diff = tf.matmul(transform, tf.transpose(transform, [0, 2, 1])) - tf.eye(3)
    loss = tf.reduce_mean(xent) + 0.001 * tf.nn.l2_loss(diff)
    right = tf.equal(tf.argmax(net, 2), tf.to_int64(labels))
    tf.summary.scalar("accuracy", tf.reduce_sum(tf.cast(right, tf.float32)) / 256.0)
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[net, xent.op.inputs[0]], [transform]]


def words_found_by_geometry(tf):
    """EAST: a map of scores, and of geometry made of distances and angles, scaled."""
    images = tf.placeholder(tf.float32, [None, None, None, 3], "input_images")
    scores = tf.placeholder(tf.float32, [None, None, None, 1], "input_score_maps")
    geo = tf.placeholder(tf.float32, [None, None, None, 5], "input_geo_maps")
    mask = tf.placeholder(tf.float32, [None, None, None, 1], "input_training_masks")
    with tf.variable_scope("model_0"):
        f = tf.layers.conv2d(images - 120.0, 8, 3, 4, "same", activation=tf.nn.relu)
        F_score = tf.layers.conv2d(f, 1, 1, activation=tf.nn.sigmoid)
        geo_map = tf.layers.conv2d(f, 4, 1, activation=tf.nn.sigmoid) * 512
        angle = (tf.layers.conv2d(f, 1, 1, activation=tf.nn.sigmoid) - 0.5) * 3.1416 / 2
        F_geometry = tf.concat([geo_map, angle], -1)
    inter = tf.reduce_sum(scores * F_score * mask)
    dice = 1.0 - 2 * inter / (tf.reduce_sum(scores * mask) + tf.reduce_sum(F_score * mask) + 1e-5)
    d = tf.split(geo, 5, 3)
    p = tf.split(F_geometry, 5, 3)
    w = tf.minimum(d[1], p[1]) + tf.minimum(d[3], p[3])
    h = tf.minimum(d[0], p[0]) + tf.minimum(d[2], p[2])
    area = (d[0] + d[2]) * (d[1] + d[3]) + (p[0] + p[2]) * (p[1] + p[3]) - w * h
    L = -tf.log((w * h + 1.0) / (area + 1.0)) + 20 * (1 - tf.cos(p[4] - d[4]))
    total = tf.reduce_mean(L * scores * mask) + 0.01 * dice
    tf.summary.image("score_map_pred", F_score * 255)
    step = tf.train.get_or_create_global_step()
    opt = tf.train.AdamOptimizer(1e-4)
    apply = opt.apply_gradients(opt.compute_gradients(total), global_step=step)
    ema = tf.train.ExponentialMovingAverage(0.997, step)
    averages = ema.apply(tf.trainable_variables())
    with tf.control_dependencies([averages, apply]):
        tf.no_op(name="train_op")
    return [[F_score, F_score.op.inputs[0]], [F_geometry]]


def linked_by_walks(tf):
    """A graph's links: embeddings by two layers of aggregation, inner products as logits."""
    adj = tf.placeholder(tf.float32, [30, 30], "adj")
    feats = tf.placeholder(tf.float32, [30, 8], "features")
    orig = tf.placeholder(tf.float32, [30, 30], "adj_orig")
    drop = tf.placeholder_with_default(0.0, shape=(), name="dropout")

    def conv(x, n, act, name):
        w = tf.get_variable(name, [int(x.shape[1]), n])
        return act(tf.matmul(adj, tf.matmul(tf.nn.dropout(x, 1 - drop), w)))

    hidden = conv(feats, 8, tf.nn.relu, "w0")
    z_mean = conv(hidden, 4, lambda x: x, "w1")
    z_log = conv(hidden, 4, lambda x: x, "w2")
    z = z_mean + tf.random_normal([30, 4]) * tf.exp(z_log)
    recon = tf.reshape(tf.matmul(z, tf.transpose(z)), [-1])
    cost = 2.0 * tf.reduce_mean(
        tf.nn.weighted_cross_entropy_with_logits(
            logits=recon, labels=tf.reshape(orig, [-1]), pos_weight=3.0
        )
    )
    kl = (
        0.5
        / 30
        * tf.reduce_mean(
            tf.reduce_sum(1 + 2 * z_log - tf.square(z_mean) - tf.square(tf.exp(z_log)), 1)
        )
    )
    tf.train.AdamOptimizer(0.01).minimize(cost - kl)
    right = tf.equal(
        tf.cast(tf.sigmoid(recon) > 0.5, tf.int32), tf.cast(tf.reshape(orig, [-1]), tf.int32)
    )
    tf.reduce_mean(tf.cast(right, tf.float32))
    return [[z_mean], [recon, recon.op.inputs[0]]]


def keras_agent_of_frames(tf):
    """A Keras network inside an agent: its loss is another model on top, the target by weights."""
    layers, K = tf.keras.layers, tf.keras.backend

    def network(name):
        frames = tf.keras.Input((20, 20, 4), name=f"{name}_frames")
        mask = tf.keras.Input((3,), name=f"{name}_mask")
        h = layers.Conv2D(8, 8, strides=4, activation="relu")(
            layers.Lambda(lambda x: x / 255.0)(frames)
        )
        h = layers.Dense(16, activation="relu")(layers.Flatten()(h))
        q = layers.Dense(3, name=f"{name}_q")(h)
        return tf.keras.Model([frames, mask], layers.multiply([q, mask])), q

    model, q = network("online")
    target, _ = network("target")
    model.compile(tf.keras.optimizers.RMSprop(2.5e-4), loss="mse")
    model._make_train_function()
    target._make_predict_function()
    K.mean(target.output)
    return [[model.output, q]]


def keras_siamese_pictures(tf):
    """Keras twins with a Euclidean distance by Lambda and a contrastive loss."""
    layers, K = tf.keras.layers, tf.keras.backend
    base = tf.keras.Sequential(
        [
            layers.Flatten(input_shape=(14, 14)),
            layers.Dense(16, activation="relu"),
            layers.Dropout(0.1),
            layers.Dense(8, activation="relu"),
        ]
    )
    a, b = tf.keras.Input((14, 14)), tf.keras.Input((14, 14))

    def distance(pair):
        x, y = pair
        total = K.sum(K.square(x - y), axis=1, keepdims=True)
        return K.sqrt(K.maximum(total, K.epsilon()))

    def contrastive(y_true, y_pred):
        margin = K.square(K.maximum(1 - y_pred, 0))
        return K.mean(y_true * K.square(y_pred) + (1 - y_true) * margin)

    out = layers.Lambda(distance)([base(a), base(b)])
    model = tf.keras.Model([a, b], out)
    model.compile("rmsprop", loss=contrastive)
    model._make_train_function()
    return [[model.output]]


def partitioned_estimator(tf):
    """A canned wide model with partitioned weights, TRAIN mode: two classes, logits of one."""
    ids = tf.sparse_placeholder(tf.int64, [None, 4], "ids")
    dense = tf.placeholder(tf.float32, [None, 3], "age")
    y = tf.placeholder(tf.float32, [None, 1], "labels")
    parts = tf.fixed_size_partitioner(2)
    with tf.variable_scope("linear/linear_model"):
        w = tf.get_variable("ids/weights", [40, 1], partitioner=parts)
        found = tf.nn.safe_embedding_lookup_sparse(w, ids, combiner="sum")
        v = tf.get_variable("age/weights", [3, 1])
        b = tf.get_variable("bias_weights", [1])
        total = tf.add_n([found, tf.matmul(dense, v)], name="weighted_sum_no_bias")
        logits = tf.nn.bias_add(total, b, name="weighted_sum")
    with tf.name_scope("linear/head"):
        logistic = tf.sigmoid(logits, name="predictions/logistic")
        two = tf.concat([tf.zeros_like(logits), logits], -1, name="predictions/two_class_logits")
        probs = tf.nn.softmax(two, name="predictions/probabilities")
        classes = tf.argmax(two, -1, name="predictions/class_ids")
        xent = tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits)
        loss = tf.reduce_mean(xent, name="weighted_loss/value")
    step = tf.train.get_or_create_global_step()
    tf.train.FtrlOptimizer(0.2).minimize(loss, global_step=step)
    return [[probs, logistic, classes, logits, two]]


def stars_of_domains(tf):
    """StarGAN: a generator told a domain, a discriminator with a classifier's branch."""
    x = tf.placeholder(tf.float32, [4, 16, 16, 3], "real")
    org = tf.placeholder(tf.float32, [4, 5], "label_org")
    trg = tf.placeholder(tf.float32, [4, 5], "label_trg")

    def generator(v, c):
        with tf.variable_scope("generator", reuse=tf.AUTO_REUSE):
            c = tf.tile(tf.reshape(c, [-1, 1, 1, 5]), [1, 16, 16, 1])
            h = tf.layers.conv2d(tf.concat([v, c], 3), 8, 3, 1, "same", name="conv")
            return tf.tanh(tf.layers.conv2d(tf.nn.relu(h), 3, 3, 1, "same", name="G_logit"))

    def discriminator(v):
        with tf.variable_scope("discriminator", reuse=tf.AUTO_REUSE):
            h = tf.nn.leaky_relu(tf.layers.conv2d(v, 8, 4, 4, name="conv_0"))
            logit = tf.layers.conv2d(h, 1, 3, 1, name="D_logit")
            c = tf.layers.conv2d(h, 5, 4, 1, name="D_label")
            return logit, tf.reshape(c, [-1, 5])

    fake = generator(x, trg)
    back = generator(fake, org)
    real_logit, real_cls = discriminator(x)
    fake_logit, fake_cls = discriminator(fake)
    xent = tf.nn.sigmoid_cross_entropy_with_logits
    g_cls = tf.reduce_mean(xent(labels=trg, logits=fake_cls))
    d_cls = tf.reduce_mean(xent(labels=org, logits=real_cls))
    d_loss = tf.reduce_mean(fake_logit) - tf.reduce_mean(real_logit) + d_cls
    g_loss = -tf.reduce_mean(fake_logit) + g_cls + 10 * tf.reduce_mean(tf.abs(x - back))
    tf.train.AdamOptimizer(1e-4, 0.5).minimize(g_loss, var_list=_scoped(tf, "generator"))
    tf.train.AdamOptimizer(1e-4, 0.5).minimize(d_loss, var_list=_scoped(tf, "discriminator"))
    custom = tf.placeholder(tf.float32, [1, 16, 16, 3], "custom_image")
    label = tf.placeholder(tf.float32, [1, 5], "custom_label")
    custom_fake = generator(custom, label)
    return [[custom_fake, custom_fake.op.inputs[0], fake, fake.op.inputs[0]]]


def forces_predicted(tf):
    """A potential: atoms' energies summed, forces as its gradient, both compared."""
    pos = tf.placeholder(tf.float32, [None, 6, 3], "positions")
    e_ref = tf.placeholder(tf.float32, [None], "energy_ref")
    f_ref = tf.placeholder(tf.float32, [None, 6, 3], "forces_ref")
    d = tf.expand_dims(pos, 2) - tf.expand_dims(pos, 1)
    r = tf.reduce_sum(tf.exp(-tf.reduce_sum(tf.square(d), 3)), 2, keepdims=True)
    h = tf.layers.dense(tf.layers.dense(r, 8, tf.tanh), 8, tf.tanh)
    atoms = tf.squeeze(tf.layers.dense(h, 1), 2)
    energy = tf.reduce_sum(atoms, 1, name="o_energy")
    forces = tf.identity(-tf.gradients(energy, pos)[0], name="o_forces")
    loss = tf.reduce_mean(tf.square(energy - e_ref)) + tf.reduce_mean(tf.square(forces - f_ref))
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[energy], [forces]]


def parts_and_fields(tf):
    """Poses by heat maps and affinity fields, refined by two stages."""
    image = tf.placeholder(tf.float32, [None, 64, 64, 3], "image")
    heat = tf.placeholder(tf.float32, [None, 8, 8, 19], "heatmap_gt")
    vect = tf.placeholder(tf.float32, [None, 8, 8, 38], "vectmap_gt")
    f = image
    for i in range(3):
        f = tf.layers.conv2d(f, 8, 3, 2, "same", activation=tf.nn.relu, name=f"conv{i}_1")
    x, losses = f, 0.0
    for stage in (1, 2):
        outs = []
        for branch, n in (("L1", 38), ("L2", 19)):
            h = tf.layers.conv2d(x, 8, 3, 1, "same", name=f"Mconv1_{stage}_{branch}")
            outs.append(tf.layers.conv2d(tf.nn.relu(h), n, 1, name=f"Mconv5_stage{stage}_{branch}"))
        losses += tf.nn.l2_loss(outs[0] - vect) + tf.nn.l2_loss(outs[1] - heat)
        x = tf.concat([*outs, f], 3, name=f"concat_stage{stage + 1}") if stage == 1 else x
    output = tf.concat(outs[::-1], 3, name="Openpose/concat_stage7")
    tf.train.AdamOptimizer(1e-4).minimize(losses / 16)
    return [[output], [outs[1]], [outs[0]]]
