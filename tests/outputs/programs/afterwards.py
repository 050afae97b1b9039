"""Networks written after the rules were settled: do they hold (see `programs.py`)?"""


def critic_apart(tf):
    """DDPG with the action as placeholder of the critic."""

    def actor():
        n0 = len(tf.trainable_variables())
        inputs = tf.placeholder(tf.float32, [None, 3])
        net = tf.nn.relu(tf.layers.batch_normalization(tf.layers.dense(inputs, 40)))
        out = tf.tanh(tf.layers.dense(net, 1))
        return inputs, out, tf.multiply(out, 2.0), tf.trainable_variables()[n0:]

    _inputs, out, scaled, params = actor()
    _, _, _, target_params = actor()
    [
        p.assign(tf.multiply(q, 0.001) + tf.multiply(p, 0.999))
        for p, q in zip(target_params, params, strict=False)
    ]
    grad = tf.placeholder(tf.float32, [None, 1])
    unnormalized = tf.gradients(scaled, params, -grad)
    tf.train.AdamOptimizer(0.0001).apply_gradients(
        zip([tf.div(g, 64.0) for g in unnormalized], params, strict=False)
    )

    def critic():
        inputs = tf.placeholder(tf.float32, [None, 3])
        action = tf.placeholder(tf.float32, [None, 1])
        net = tf.nn.relu(tf.layers.dense(inputs, 40))
        t1 = tf.layers.dense(net, 30)
        t2 = tf.layers.dense(action, 30)
        net = tf.nn.relu(t1 + t2)
        return action, tf.layers.dense(net, 1)

    action, q = critic()
    critic()
    pred = tf.placeholder(tf.float32, [None, 1])
    loss = tf.reduce_mean(tf.square(pred - q))
    tf.train.AdamOptimizer(0.001).minimize(loss)
    tf.gradients(q, action)
    return [[scaled, out], [q]]


def restricted_boltzmann(tf):
    v0 = tf.placeholder("float", [None, 100], name="v0")
    W = tf.Variable(tf.zeros([100, 20]), name="W")
    vb = tf.Variable(tf.zeros([100]), name="vb")
    hb = tf.Variable(tf.zeros([20]), name="hb")
    h0p = tf.nn.sigmoid(tf.matmul(v0, W) + hb)
    h0 = tf.nn.relu(tf.sign(h0p - tf.random_uniform(tf.shape(h0p))))
    v1p = tf.nn.sigmoid(tf.matmul(h0, tf.transpose(W)) + vb)
    v1 = tf.nn.relu(tf.sign(v1p - tf.random_uniform(tf.shape(v1p))))
    h1 = tf.nn.sigmoid(tf.matmul(v1, W) + hb)
    tf.assign(W, W + 0.01 * (tf.matmul(tf.transpose(v0), h0) - tf.matmul(tf.transpose(v1), h1)))
    tf.assign(vb, vb + 0.01 * tf.reduce_mean(v0 - v1, 0))
    tf.assign(hb, hb + 0.01 * tf.reduce_mean(h0 - h1, 0))
    tf.reduce_mean(tf.square(v0 - v1))
    return [[v1, v1p], [h0p, h0], [h1]]


def cycle(tf):
    a = tf.placeholder(tf.float32, [1, 16, 16, 3], name="real_A")
    b = tf.placeholder(tf.float32, [1, 16, 16, 3], name="real_B")

    def gen(x, name, reuse=False):
        with tf.variable_scope(name, reuse=reuse):
            h = tf.nn.relu(tf.layers.conv2d(x, 8, 3, padding="same", name="c1"))
            return tf.nn.tanh(tf.layers.conv2d(h, 3, 3, padding="same", name="c2"), name="pred")

    def disc(x, name, reuse=False):
        with tf.variable_scope(name, reuse=reuse):
            return tf.layers.conv2d(
                tf.nn.leaky_relu(tf.layers.conv2d(x, 8, 3, name="d1")), 1, 3, name="d2"
            )

    fb = gen(a, "generatorA2B")
    ra = gen(fb, "generatorB2A")
    fa = gen(b, "generatorB2A", True)
    rb = gen(fa, "generatorA2B", True)
    dbf = disc(fb, "discriminatorB")
    daf = disc(fa, "discriminatorA")
    g = (
        tf.reduce_mean((dbf - tf.ones_like(dbf)) ** 2)
        + tf.reduce_mean((daf - tf.ones_like(daf)) ** 2)
        + 10 * tf.reduce_mean(tf.abs(a - ra))
        + 10 * tf.reduce_mean(tf.abs(b - rb))
    )
    fas = tf.placeholder(tf.float32, [1, 16, 16, 3], name="fake_A_sample")
    fbs = tf.placeholder(tf.float32, [1, 16, 16, 3], name="fake_B_sample")
    dl = 0
    for real, fake, n in ((a, fas, "discriminatorA"), (b, fbs, "discriminatorB")):
        r = disc(real, n, True)
        f = disc(fake, n, True)
        dl += tf.reduce_mean((r - tf.ones_like(r)) ** 2) + tf.reduce_mean(
            (f - tf.zeros_like(f)) ** 2
        )
    tv = tf.trainable_variables()
    tf.train.AdamOptimizer(2e-4, 0.5).minimize(
        dl, var_list=[v for v in tv if "discriminator" in v.name]
    )
    tf.train.AdamOptimizer(2e-4, 0.5).minimize(g, var_list=[v for v in tv if "generator" in v.name])
    return [[fb], [fa], [ra], [rb]]


def srgan(tf):
    t = tf.placeholder(tf.float32, [4, 8, 8, 3], name="t_image_input")
    hr = tf.placeholder(tf.float32, [4, 32, 32, 3], name="t_target_image")
    with tf.variable_scope("SRGAN_g"):
        n = tf.layers.conv2d(t, 16, 3, padding="same", activation=tf.nn.relu)
        n = tf.depth_to_space(tf.layers.conv2d(n, 64, 3, padding="same"), 2)
        n = tf.depth_to_space(tf.layers.conv2d(tf.nn.relu(n), 64, 3, padding="same"), 2)
        g = tf.nn.tanh(tf.layers.conv2d(n, 3, 1, padding="same", name="out"))

    def d(x, r):
        with tf.variable_scope("SRGAN_d", reuse=r):
            return tf.layers.dense(
                tf.layers.flatten(
                    tf.nn.leaky_relu(tf.layers.conv2d(x, 8, 4, strides=2, name="h0"))
                ),
                1,
                name="ho",
            )

    real = d(hr, False)
    fake = d(g, True)

    def ce(logit, v):
        return tf.reduce_mean(
            tf.nn.sigmoid_cross_entropy_with_logits(
                logits=logit, labels=tf.fill(tf.shape(logit), v)
            )
        )

    dl = ce(real, 1.0) + ce(fake, 0.0)
    gl = 1e-3 * ce(fake, 1.0) + tf.reduce_mean(tf.squared_difference(g, hr))
    lr = tf.Variable(1e-4, trainable=False, name="learning_rate")
    for s, logit in (("SRGAN_g", gl), ("SRGAN_d", dl)):
        tf.train.AdamOptimizer(lr, 0.9).minimize(
            logit, var_list=[v for v in tf.trainable_variables() if s in v.name]
        )
    return [[g, g.op.inputs[0]]]


def wide_and_deep(tf):
    ser = tf.placeholder(tf.string, [None], name="input_example_tensor")
    ex = tf.io.parse_example(
        ser,
        {
            "age": tf.io.FixedLenFeature([1], tf.float32),
            "hours": tf.io.FixedLenFeature([1], tf.float32),
            "label": tf.io.FixedLenFeature([1], tf.float32),
            "work": tf.io.FixedLenFeature([1], tf.int64),
        },
    )
    with tf.variable_scope("dnn"):
        e = tf.nn.embedding_lookup(tf.get_variable("emb", [9, 4]), ex["work"][:, 0])
        h = tf.layers.dense(tf.concat([ex["age"], ex["hours"], e], 1), 16, tf.nn.relu)
        dl = tf.layers.dense(h, 1, name="logits")
    with tf.variable_scope("linear"):
        ll = tf.layers.dense(tf.concat([ex["age"], ex["hours"]], 1), 1)
    logits = dl + ll
    with tf.name_scope("head"):
        with tf.name_scope("predictions"):
            p = tf.sigmoid(logits, name="logistic")
            two = tf.concat([tf.zeros_like(logits), logits], -1, name="two_class_logits")
            pr = tf.nn.softmax(two, name="probabilities")
            c = tf.argmax(two, -1, name="class_ids")
            s = tf.as_string(c, name="str_classes")
        with tf.name_scope("loss"):
            loss = tf.reduce_sum(
                tf.nn.sigmoid_cross_entropy_with_logits(labels=ex["label"], logits=logits)
            )
        with tf.name_scope("metrics"):
            tf.metrics.auc(ex["label"], p)
    gs = tf.train.get_or_create_global_step()
    tf.train.AdagradOptimizer(0.1).minimize(loss, var_list=tf.trainable_variables("dnn"))
    tf.train.FtrlOptimizer(0.1).minimize(
        loss, var_list=tf.trainable_variables("linear"), global_step=gs
    )
    return [[pr, p, c, logits, two, s]]


def a3c_lstm(tf):
    s = tf.placeholder(tf.float32, [None, 42 * 42], name="state")
    img = tf.reshape(s, [-1, 42, 42, 1])
    c = tf.layers.flatten(tf.layers.conv2d(img, 8, 4, strides=4, activation=tf.nn.elu))
    h = tf.layers.dense(c, 32, tf.nn.elu)
    cell = tf.nn.rnn_cell.BasicLSTMCell(16, state_is_tuple=True)
    ci = tf.placeholder(tf.float32, [1, 16])
    hi = tf.placeholder(tf.float32, [1, 16])
    o, _st = tf.nn.dynamic_rnn(
        cell,
        tf.expand_dims(h, [0]),
        initial_state=tf.nn.rnn_cell.LSTMStateTuple(ci, hi),
        sequence_length=tf.shape(img)[:1],
    )
    rnn = tf.reshape(o, [-1, 16])
    pol = tf.layers.dense(rnn, 3, tf.nn.softmax, use_bias=False)
    val = tf.layers.dense(rnn, 1, use_bias=False)
    a = tf.placeholder(tf.int32, [None])
    tgt = tf.placeholder(tf.float32, [None])
    adv = tf.placeholder(tf.float32, [None])
    r = tf.reduce_sum(pol * tf.one_hot(a, 3), [1])
    vl = 0.5 * tf.reduce_sum(tf.square(tgt - tf.reshape(val, [-1])))
    ent = -tf.reduce_sum(pol * tf.log(pol))
    pl = -tf.reduce_sum(tf.log(r) * adv)
    tf.train.AdamOptimizer(1e-4).minimize(0.5 * vl + pl - ent * 0.01)
    return [[pol, pol.op.inputs[0]], [val]]


def bn_by_hand(tf):
    x = tf.placeholder(tf.float32, [None, 28, 28, 1], name="x")
    y = tf.placeholder(tf.int64, [None], name="labels")
    ph = tf.placeholder(tf.bool, name="phase_train")

    def bn(v, n):
        with tf.variable_scope("bn"):
            beta = tf.Variable(tf.zeros([n]), name="beta")
            gamma = tf.Variable(tf.ones([n]), name="gamma")
            m, var = tf.nn.moments(v, [0, 1, 2], name="moments")
            ema = tf.train.ExponentialMovingAverage(0.5)

            def upd():
                with tf.control_dependencies([ema.apply([m, var])]):
                    return tf.identity(m), tf.identity(var)

            mm, vv = tf.cond(ph, upd, lambda: (ema.average(m), ema.average(var)))
            return tf.nn.batch_normalization(v, mm, vv, beta, gamma, 1e-3)

    v = tf.nn.relu(bn(tf.layers.conv2d(x, 8, 3), 8))
    v = tf.nn.relu(bn(tf.layers.conv2d(v, 8, 3, strides=2), 8))
    logit = tf.layers.dense(tf.layers.flatten(v), 10)
    cost = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logit))
    tf.train.AdamOptimizer().minimize(cost)
    acc = tf.reduce_mean(tf.to_float(tf.equal(tf.argmax(logit, 1), y)))
    return [[logit, acc.op.inputs[0].op.inputs[0].op.inputs[0]]]


def neural_cf(tf):
    u = tf.placeholder(tf.int32, [None, 1], name="user_input")
    i = tf.placeholder(tf.int32, [None, 1], name="item_input")
    logit = tf.placeholder(tf.float32, [None, 1], name="labels")
    P = tf.Variable(tf.random_normal([50, 8]), name="P")
    Q = tf.Variable(tf.random_normal([60, 8]), name="Q")
    pu = tf.reduce_sum(tf.nn.embedding_lookup(P, u), 1)
    qi = tf.reduce_sum(tf.nn.embedding_lookup(Q, i), 1)
    h = tf.layers.dense(tf.concat([pu, qi, pu * qi], 1), 16, tf.nn.relu)
    w = tf.Variable(tf.ones([16, 1]), name="h")
    out = tf.sigmoid(tf.matmul(h, w))
    loss = (
        tf.losses.log_loss(logit, out)
        + 0.01 * tf.reduce_sum(tf.square(P))
        + 0.01 * tf.reduce_sum(tf.square(Q))
    )
    tf.train.AdagradOptimizer(0.01).minimize(loss)
    return [[out, out.op.inputs[0]]]


def dkt(tf):
    """Knowledge tracing: gather of the logits by labels."""
    x = tf.placeholder(tf.float32, [4, None, 20], name="X")
    seq = tf.placeholder(tf.int32, [4], name="sequence_len")
    q = tf.placeholder(tf.float32, [4, None, 10], name="y_seq")
    c = tf.placeholder(tf.float32, [4, None], name="y_corr")
    o, _s = tf.nn.dynamic_rnn(tf.nn.rnn_cell.LSTMCell(16), x, seq, dtype=tf.float32)
    W = tf.get_variable("W_yh", [16, 10])
    b = tf.get_variable("b_yh", [10])
    lf = tf.matmul(tf.reshape(o, [-1, 16]), W) + b
    logits = tf.reshape(lf, [4, -1, 10])
    preds = tf.sigmoid(logits)
    t = tf.reduce_sum(logits * q, 2)
    tf.reduce_sum(preds * q, 2, name="target_preds")
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=t, labels=c))
    tf.train.AdamOptimizer(0.01).minimize(loss)
    return [[preds, logits, lf]]


def multi_step_forecast(tf):
    x = tf.placeholder(tf.float32, [None, 12, 3], name="x")
    y = tf.placeholder(tf.float32, [None, 4], name="y")
    cells = tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.GRUCell(8) for _ in range(2)])
    o, _ = tf.nn.dynamic_rnn(cells, x, dtype=tf.float32)
    last = o[:, -1, :]
    w = tf.Variable(tf.random_normal([8, 4]))
    b = tf.Variable(tf.zeros([4]))
    out = tf.nn.xw_plus_b(last, w, b)
    diff = out - y
    rmse = tf.sqrt(tf.reduce_mean(tf.square(diff)))
    tf.reduce_mean(tf.abs(diff / y))
    tf.train.AdamOptimizer().minimize(rmse)
    return [[out, out.op.inputs[0]]]


def caps_like_gaussian_policy(tf):
    s = tf.placeholder(tf.float32, [None, 4], name="s")
    a = tf.placeholder(tf.float32, [None, 1], name="a")
    td = tf.placeholder(tf.float32, [None, 1])
    logit = tf.layers.dense(s, 20, tf.nn.relu)
    mu = tf.squeeze(tf.layers.dense(logit, 1, tf.nn.tanh, name="mu") * 2)
    sg = tf.squeeze(tf.layers.dense(logit, 1, tf.nn.softplus, name="sigma")) + 0.1
    act = tf.clip_by_value(mu + sg * tf.random_normal([1]), -2, 2)
    logp = -tf.log(sg) - tf.square(a - mu) / (2 * sg**2)
    ent = tf.log(sg)
    tf.train.AdamOptimizer().minimize(-(tf.reduce_mean(logp * td) + 0.01 * tf.reduce_mean(ent)))
    return [[act, act.op.inputs[0].op.inputs[0], mu]]


def segnet(tf):
    im = tf.placeholder(tf.float32, [None, 16, 16, 3], name="input_image")
    an = tf.placeholder(tf.int32, [None, 16, 16, 1], name="annotation")
    kp = tf.placeholder(tf.float32, name="keep_probabilty")
    with tf.variable_scope("inference"):
        c = tf.nn.relu(tf.layers.conv2d(im - 120.0, 8, 3, strides=2, padding="same", name="conv5"))
        c = tf.nn.dropout(c, kp)
        c = tf.layers.conv2d(c, 5, 1, name="conv8")
        W = tf.get_variable("W_t3", [4, 4, 5, 5])
        sh = tf.shape(im)
        t3 = tf.nn.bias_add(
            tf.nn.conv2d_transpose(c, W, tf.stack([sh[0], sh[1], sh[2], 5]), [1, 2, 2, 1], "SAME"),
            tf.get_variable("b_t3", [5]),
        )
        pred = tf.argmax(t3, axis=3, name="prediction")
    pa = tf.expand_dims(pred, axis=3)
    tf.summary.image("pred_annotation", tf.cast(pa, tf.uint8))
    loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(
            logits=t3, labels=tf.squeeze(an, axis=[3]), name="entropy"
        )
    )
    opt = tf.train.AdamOptimizer(1e-4)
    g = opt.compute_gradients(loss, tf.trainable_variables())
    opt.apply_gradients(g)
    return [[pa, pred, t3]]
