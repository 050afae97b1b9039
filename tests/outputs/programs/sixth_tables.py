"""Tables, agents and makers, a sixth blind set: written before anybody had looked at the rules."""


def _scoped(tf, name):
    return tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope=name)


def estimator_of_income(tf):
    """What a linear classifier of estimators leaves in EVAL mode: metrics with local variables."""
    x = tf.placeholder(tf.float32, [None, 6], "Placeholder")
    y = tf.placeholder(tf.float32, [None, 1], "labels")
    with tf.variable_scope("linear"):
        w = tf.get_variable("linear_model/age/weights", [6, 1])
        b = tf.get_variable("linear_model/bias_weights", [1])
        logits = tf.nn.bias_add(tf.matmul(x, w), b, name="linear_model/weighted_sum")
        tf.summary.scalar("bias", b[0])
        tf.summary.scalar("fraction_of_zero_weights", tf.nn.zero_fraction(w))
    with tf.name_scope("head"):
        with tf.name_scope("predictions"):
            logistic = tf.sigmoid(logits, name="logistic")
            two = tf.concat([tf.zeros_like(logits), logits], 1, name="two_class_logits")
            probs = tf.nn.softmax(two, name="probabilities")
            ids = tf.expand_dims(tf.argmax(two, 1), 1, name="class_ids")
            classes = tf.as_string(ids, name="str_classes")
        xent = tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits)
        loss = tf.reduce_mean(xent, name="weighted_loss/Sum")
        with tf.name_scope("metrics"):
            tf.metrics.mean(loss)
            tf.metrics.accuracy(tf.cast(y, tf.int64), ids, name="accuracy")
            tf.metrics.precision(tf.cast(y, tf.int64), ids, name="precision")
            tf.metrics.auc(y, logistic, name="auc")
            tf.metrics.mean(logistic, name="prediction/mean")
            tf.metrics.mean(y, name="label/mean")
    tf.train.get_or_create_global_step()
    return [[probs, logistic, ids, classes, logits, two]]


def estimator_in_training(tf):
    """A custom model function in TRAIN mode, its predictions named as the guide names them."""
    data = tf.data.Dataset.from_tensors(
        ({"x": tf.zeros([8, 784])}, tf.zeros([8], tf.int32))
    ).repeat()
    features, labels = tf.data.make_one_shot_iterator(data).get_next()
    layer = tf.reshape(features["x"], [-1, 28, 28, 1])
    conv = tf.layers.conv2d(layer, 4, [5, 5], padding="same", activation=tf.nn.relu)
    pool = tf.layers.max_pooling2d(conv, [2, 2], 2)
    dense = tf.layers.dense(tf.reshape(pool, [-1, 14 * 14 * 4]), 16, tf.nn.relu)
    dropout = tf.layers.dropout(dense, 0.4, training=True)
    logits = tf.layers.dense(dropout, 10)
    predictions = {
        "classes": tf.argmax(logits, axis=1),
        "probabilities": tf.nn.softmax(logits, name="softmax_tensor"),
    }
    loss = tf.losses.sparse_softmax_cross_entropy(labels=labels, logits=logits)
    accuracy = tf.metrics.accuracy(labels, predictions["classes"])
    tf.identity(accuracy[1], name="train_accuracy")
    tf.summary.scalar("train_accuracy", accuracy[1])
    tf.train.GradientDescentOptimizer(1e-3).minimize(loss, tf.train.get_or_create_global_step())
    return [[predictions["probabilities"], predictions["classes"], logits]]


def ratings_with_biases(tf):
    """A matrix factorised, with biases and a mean, from two columns of numbers."""
    user = tf.placeholder(tf.int32, shape=[None], name="id_user")
    item = tf.placeholder(tf.int32, shape=[None], name="id_item")
    rate = tf.placeholder(tf.float32, shape=[None])
    bias_global = tf.get_variable("bias_global", shape=[])
    w_bias_user = tf.get_variable("embd_bias_user", shape=[30])
    w_bias_item = tf.get_variable("embd_bias_item", shape=[20])
    bias_user = tf.nn.embedding_lookup(w_bias_user, user, name="bias_user")
    bias_item = tf.nn.embedding_lookup(w_bias_item, item, name="bias_item")
    w_user = tf.get_variable("embd_user", shape=[30, 5])
    w_item = tf.get_variable("embd_item", shape=[20, 5])
    u = tf.nn.embedding_lookup(w_user, user, name="embedding_user")
    v = tf.nn.embedding_lookup(w_item, item, name="embedding_item")
    infer = tf.reduce_sum(tf.multiply(u, v), 1)
    infer = tf.add(infer, bias_global)
    infer = tf.add(infer, bias_user)
    infer = tf.add(infer, bias_item, name="svd_inference")
    regularizer = tf.add(tf.nn.l2_loss(u), tf.nn.l2_loss(v), name="svd_regularizer")
    step = tf.train.get_or_create_global_step()
    cost = tf.add(tf.nn.l2_loss(infer - rate), tf.multiply(regularizer, 0.05))
    tf.train.FtrlOptimizer(0.001).minimize(cost, global_step=step)
    return [[infer]]


def factors_of_fields(tf):
    """DeepFM with the sum of both orders before one sigmoid."""
    feat_index = tf.placeholder(tf.int32, [None, None], "feat_index")
    feat_value = tf.placeholder(tf.float32, [None, None], "feat_value")
    label = tf.placeholder(tf.float32, [None, 1], "label")
    keep_fm = tf.placeholder(tf.float32, [None], "dropout_keep_fm")
    train_phase = tf.placeholder(tf.bool, name="train_phase")
    emb = tf.Variable(tf.random_normal([50, 4], 0.0, 0.01), name="feature_embeddings")
    bias = tf.Variable(tf.random_uniform([50, 1]), name="feature_bias")
    value = tf.reshape(feat_value, [-1, 6, 1])
    e = tf.multiply(tf.nn.embedding_lookup(emb, feat_index), value)
    first = tf.reduce_sum(tf.multiply(tf.nn.embedding_lookup(bias, feat_index), value), 2)
    first = tf.nn.dropout(first, keep_fm[0])
    squared = tf.square(tf.reduce_sum(e, 1))
    second = 0.5 * tf.subtract(squared, tf.reduce_sum(tf.square(e), 1))
    second = tf.nn.dropout(second, keep_fm[1])
    deep = tf.reshape(e, [-1, 24])
    deep = tf.layers.batch_normalization(tf.layers.dense(deep, 8), training=train_phase)
    deep = tf.nn.relu(deep)
    both = tf.reshape(tf.concat([first, second, deep], 1), [-1, 6 + 4 + 8])
    w = tf.Variable(tf.random_normal([18, 1]), name="concat_projection")
    out = tf.add(tf.matmul(both, w), tf.Variable(tf.constant(0.01), name="concat_bias"))
    out = tf.nn.sigmoid(out)
    loss = tf.losses.log_loss(label, out)
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[out, out.op.inputs[0]]]


def facts_translated(tf):
    """TransE: heads, relations and tails; distances of a batch to be predicted."""
    pos_h, pos_t, pos_r = (tf.placeholder(tf.int32, [None], f"pos_{x}") for x in "htr")
    neg_h, neg_t, neg_r = (tf.placeholder(tf.int32, [None], f"neg_{x}") for x in "htr")
    p_h, p_t, p_r = (tf.placeholder(tf.int32, [None], f"predict_{x}") for x in "htr")
    ent = tf.get_variable("ent_embeddings", [40, 8])
    rel = tf.get_variable("rel_embeddings", [6, 8])

    def calc(h, t, r):
        h, t = (tf.nn.l2_normalize(tf.nn.embedding_lookup(ent, x), -1) for x in (h, t))
        return tf.abs(h + tf.nn.l2_normalize(tf.nn.embedding_lookup(rel, r), -1) - t)

    p = tf.reduce_mean(calc(pos_h, pos_t, pos_r), 1)
    n = tf.reduce_mean(calc(neg_h, neg_t, neg_r), 1)
    loss = tf.reduce_sum(tf.maximum(p - n + 1.0, 0))
    tf.train.GradientDescentOptimizer(0.01).minimize(loss)
    predict = tf.reduce_mean(calc(p_h, p_t, p_r), 1)
    return [[predict]]


def queries_and_documents(tf):
    """DSSM: cosines of a query with one clicked and four other documents."""
    q = tf.placeholder(tf.float32, [10, 100], "QueryBatch")
    d = tf.placeholder(tf.float32, [10, 100], "DocBatch")

    def tower(x):
        with tf.variable_scope("tower", reuse=tf.AUTO_REUSE):
            h = tf.layers.dense(x, 16, tf.nn.relu, name="L1")
            return tf.layers.dense(h, 8, tf.nn.relu, name="L2")

    q_y, d_y = tower(q), tower(d)
    parts = [d_y]
    for i in range(1, 5):
        parts.append(tf.concat([d_y[i:], d_y[:i]], 0))
    docs = tf.concat(parts, 0)
    q_norm = tf.tile(tf.sqrt(tf.reduce_sum(tf.square(q_y), 1, True)), [5, 1])
    d_norm = tf.sqrt(tf.reduce_sum(tf.square(docs), 1, True))
    prod = tf.reduce_sum(tf.multiply(tf.tile(q_y, [5, 1]), docs), 1, True)
    cos_raw = tf.truediv(prod, tf.multiply(q_norm, d_norm))
    cos = tf.transpose(tf.reshape(tf.transpose(cos_raw), [5, 10])) * 20
    prob = tf.nn.softmax(cos)
    loss = -tf.reduce_sum(tf.log(tf.slice(prob, [0, 0], [-1, 1]))) / 10
    tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    tf.summary.scalar("loss", loss)
    right = tf.equal(tf.argmax(prob, 1), 0)
    tf.summary.scalar("accuracy", tf.reduce_mean(tf.cast(right, tf.float32)))
    return [[prob, cos, cos_raw], [q_y]]


def nature_of_frames(tf):
    """A deep Q network and its target, with a copy operation and a chosen action."""

    def net(x, scope):
        with tf.variable_scope(scope):
            h = tf.layers.conv2d(x / 255.0, 8, 8, 4, activation=tf.nn.relu)
            h = tf.layers.dense(tf.layers.flatten(h), 16, tf.nn.relu)
            return tf.layers.dense(h, 4)

    s = tf.placeholder(tf.float32, [None, 42, 42, 4], "s_t")
    s2 = tf.placeholder(tf.float32, [None, 42, 42, 4], "target_s_t")
    q = net(s, "prediction")
    action = tf.argmax(q, axis=1)
    target = net(s2, "target")
    at = tf.placeholder("int32", [None, None], "outputs_idx")
    tf.gather_nd(target, at)
    pairs = zip(_scoped(tf, "target"), _scoped(tf, "prediction"), strict=True)
    tf.group(*[t.assign(p) for t, p in pairs])
    target_q = tf.placeholder("float32", [None], name="target_q_t")
    a = tf.placeholder("int64", [None], name="action")
    acted = tf.reduce_sum(q * tf.one_hot(a, 4, 1.0, 0.0), 1, name="q_acted")
    delta = target_q - acted
    clipped = tf.where(tf.abs(delta) < 1.0, 0.5 * tf.square(delta), tf.abs(delta) - 0.5)
    loss = tf.reduce_mean(clipped, name="loss")
    step = tf.Variable(0, trainable=False)
    rate = tf.maximum(1e-4, tf.train.exponential_decay(1e-3, step, 50, 0.96, staircase=True))
    tf.train.RMSPropOptimizer(rate, momentum=0.95, epsilon=0.01).minimize(loss)
    tf.summary.histogram("q", tf.reduce_mean(q, 0))
    return [[q, action]]


def pendulum_swung_up(tf):
    """DDPG of a well-known tutorial: actions scaled after tanh, soft copies, a critic on top."""
    S = tf.placeholder(tf.float32, [None, 3], "s")
    S_ = tf.placeholder(tf.float32, [None, 3], "s_")
    R = tf.placeholder(tf.float32, [None, 1], "r")

    def build_a(s, scope, trainable):
        with tf.variable_scope(scope):
            net = tf.layers.dense(s, 16, tf.nn.relu, name="l1", trainable=trainable)
            a = tf.layers.dense(net, 1, tf.nn.tanh, name="a", trainable=trainable)
            return tf.multiply(a, [2.0], name="scaled_a")

    def build_c(s, a, scope, trainable):
        with tf.variable_scope(scope):
            w1_s = tf.get_variable("w1_s", [3, 16], trainable=trainable)
            w1_a = tf.get_variable("w1_a", [1, 16], trainable=trainable)
            b1 = tf.get_variable("b1", [1, 16], trainable=trainable)
            net = tf.nn.relu(tf.matmul(s, w1_s) + tf.matmul(a, w1_a) + b1)
            return tf.layers.dense(net, 1, trainable=trainable)

    with tf.variable_scope("Actor"):
        a = build_a(S, "eval", True)
        a_ = build_a(S_, "target", False)
    with tf.variable_scope("Critic"):
        q = build_c(S, a, "eval", True)
        q_ = build_c(S_, a_, "target", False)
    for name in ("Actor", "Critic"):
        e = tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, scope=f"{name}/eval")
        t = tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, scope=f"{name}/target")
        _ = [tf.assign(x, 0.99 * x + 0.01 * y) for x, y in zip(t, e, strict=True)]
    q_target = R + 0.9 * q_
    td_error = tf.losses.mean_squared_error(labels=q_target, predictions=q)
    e = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, "Critic/eval")
    tf.train.AdamOptimizer(0.002).minimize(td_error, var_list=e)
    a_loss = -tf.reduce_mean(q)
    e = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, "Actor/eval")
    tf.train.AdamOptimizer(0.001).minimize(a_loss, var_list=e)
    return [[a]]


def trusted_region(tf):
    """PPO with normal policies, the old one beside the new one; an action is sampled."""
    tfs = tf.placeholder(tf.float32, [None, 3], "state")
    with tf.variable_scope("critic"):
        l1 = tf.layers.dense(tfs, 16, tf.nn.relu)
        v = tf.layers.dense(l1, 1)
        tfdc_r = tf.placeholder(tf.float32, [None, 1], "discounted_r")
        advantage = tfdc_r - v
        closs = tf.reduce_mean(tf.square(advantage))
        tf.train.AdamOptimizer(0.0002).minimize(closs)

    def anet(name, trainable):
        with tf.variable_scope(name):
            l1 = tf.layers.dense(tfs, 16, tf.nn.relu, trainable=trainable)
            mu = 2 * tf.layers.dense(l1, 1, tf.nn.tanh, trainable=trainable)
            sigma = tf.layers.dense(l1, 1, tf.nn.softplus, trainable=trainable)
        return mu, sigma, tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, scope=name)

    mu, sigma, pi_params = anet("pi", True)
    old_mu, old_sigma, oldpi_params = anet("oldpi", False)
    with tf.variable_scope("sample_action"):
        noise = tf.random_normal(tf.concat([[1], tf.shape(mu)], 0))
        sample = tf.squeeze(mu + sigma * noise, axis=0)
    with tf.variable_scope("update_oldpi"):
        _ = [o.assign(p) for p, o in zip(pi_params, oldpi_params, strict=True)]
    tfa = tf.placeholder(tf.float32, [None, 1], "action")
    tfadv = tf.placeholder(tf.float32, [None, 1], "advantage")

    def prob(m, s):
        return tf.exp(-0.5 * tf.square((tfa - m) / s)) / (s * 2.5066)

    ratio = prob(mu, sigma) / prob(old_mu, old_sigma)
    clipped = tf.clip_by_value(ratio, 0.8, 1.2) * tfadv
    aloss = -tf.reduce_mean(tf.minimum(ratio * tfadv, clipped))
    tf.train.AdamOptimizer(0.0001).minimize(aloss)
    return [[sample, mu], [v]]


def workers_with_memory(tf):
    """A2C with a recurrent state: logits, a value and the next state."""
    ob = tf.placeholder(tf.uint8, [None, 42, 42, 1], "ob")
    mask = tf.placeholder(tf.float32, [None], "done_mask")
    state = tf.placeholder(tf.float32, [None, 16], "states")
    A = tf.placeholder(tf.int32, [None])
    ADV = tf.placeholder(tf.float32, [None])
    R = tf.placeholder(tf.float32, [None])
    LR = tf.placeholder(tf.float32, [])
    with tf.variable_scope("model"):
        x = tf.cast(ob, tf.float32) / 255.0
        h = tf.nn.relu(tf.layers.conv2d(x, 8, 8, 4, name="c1"))
        h = tf.nn.relu(tf.layers.dense(tf.layers.flatten(h), 16, name="fc1"))
        c0, h0 = tf.split(state * tf.expand_dims(1 - mask, 1), 2, axis=1)
        cell = tf.nn.rnn_cell.BasicLSTMCell(8)
        h5, s = cell(h, (c0, h0))
        snew = tf.concat([s[0], s[1]], 1)
        pi = tf.layers.dense(h5, 6, name="pi")
        vf = tf.layers.dense(h5, 1, name="v")
    v0 = vf[:, 0]
    a0 = tf.argmax(pi - tf.log(-tf.log(tf.random_uniform(tf.shape(pi)))), 1)
    neglogpac = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=pi, labels=A)
    pg_loss = tf.reduce_mean(ADV * neglogpac)
    vf_loss = tf.reduce_mean(tf.square(tf.squeeze(vf) - R) / 2.0)
    z = tf.exp(pi - tf.reduce_max(pi, 1, keepdims=True))
    p = z / tf.reduce_sum(z, 1, keepdims=True)
    entropy = -tf.reduce_mean(tf.reduce_sum(p * tf.log(p + 1e-8), 1))
    loss = pg_loss - entropy * 0.01 + vf_loss * 0.5
    params = tf.trainable_variables("model")
    grads, _ = tf.clip_by_global_norm(tf.gradients(loss, params), 0.5)
    trainer = tf.train.RMSPropOptimizer(LR, 0.99, epsilon=1e-5)
    trainer.apply_gradients(list(zip(grads, params, strict=True)))
    return [[a0, pi], [v0, vf], [snew]]


def dreams_of_frames(tf):
    """A VAE of pictures whose code is what the agent sees."""
    x = tf.placeholder(tf.float32, [None, 64, 64, 3])
    with tf.variable_scope("conv_vae"):
        h = tf.layers.conv2d(x, 8, 4, 4, activation=tf.nn.relu, name="enc_conv1")
        h = tf.layers.conv2d(h, 8, 4, 4, activation=tf.nn.relu, name="enc_conv2")
        h = tf.reshape(h, [-1, 4 * 4 * 8])
        mu = tf.layers.dense(h, 8, name="enc_fc_mu")
        logvar = tf.layers.dense(h, 8, name="enc_fc_log_var")
        sigma = tf.exp(logvar / 2.0)
        z = mu + sigma * tf.random_normal([10, 8])
        h = tf.reshape(tf.layers.dense(z, 128, name="dec_fc"), [-1, 4, 4, 8])
        h = tf.layers.conv2d_transpose(h, 8, 4, 4, activation=tf.nn.relu, name="dec_deconv1")
        y = tf.layers.conv2d_transpose(h, 3, 4, 4, activation=tf.nn.sigmoid, name="dec_deconv2")
        step = tf.Variable(0, name="global_step", trainable=False)
        r_loss = tf.reduce_mean(tf.reduce_sum(tf.square(x - y), [1, 2, 3]))
        kl = -0.5 * tf.reduce_sum(1 + logvar - tf.square(mu) - tf.exp(logvar), 1)
        kl_loss = tf.reduce_mean(tf.maximum(kl, 4.0))
        opt = tf.train.AdamOptimizer(1e-4)
        opt.apply_gradients(opt.compute_gradients(r_loss + kl_loss), global_step=step)
    return [[y, y.op.inputs[0]], [z, mu]]


def horses_and_zebras(tf):
    """CycleGAN: both directions, fake pools as placeholders, pictures in [-1, 1]."""
    A = tf.placeholder(tf.float32, [1, 32, 32, 3], "input_A")
    B = tf.placeholder(tf.float32, [1, 32, 32, 3], "input_B")
    pool_A = tf.placeholder(tf.float32, [None, 32, 32, 3], "fake_pool_A")
    pool_B = tf.placeholder(tf.float32, [None, 32, 32, 3], "fake_pool_B")
    lr = tf.placeholder(tf.float32, shape=[], name="lr")

    def gen(x, name):
        with tf.variable_scope(name, reuse=tf.AUTO_REUSE):
            h = tf.layers.conv2d(x, 8, 7, 1, "same", activation=tf.nn.relu, name="c1")
            h = h + tf.layers.conv2d(h, 8, 3, 1, "same", name="r1")
            return tf.nn.tanh(tf.layers.conv2d(h, 3, 7, 1, "same", name="c6"), "t1")

    def dis(x, name):
        with tf.variable_scope(name, reuse=tf.AUTO_REUSE):
            h = tf.nn.leaky_relu(tf.layers.conv2d(x, 8, 4, 2, name="c1"))
            return tf.layers.conv2d(h, 1, 4, 1, name="c5")

    with tf.variable_scope("Model"):
        fake_B, fake_A = gen(A, "g_A"), gen(B, "g_B")
        rec_A, rec_B = dis(A, "d_A"), dis(B, "d_B")
        f_rec_A, f_rec_B = dis(fake_A, "d_A"), dis(fake_B, "d_B")
        cyc_A, cyc_B = gen(fake_B, "g_B"), gen(fake_A, "g_A")
        p_A, p_B = dis(pool_A, "d_A"), dis(pool_B, "d_B")
    cyc = tf.reduce_mean(tf.abs(A - cyc_A)) + tf.reduce_mean(tf.abs(B - cyc_B))
    g_A = cyc * 10 + tf.reduce_mean(tf.squared_difference(f_rec_B, 1))
    g_B = cyc * 10 + tf.reduce_mean(tf.squared_difference(f_rec_A, 1))
    d_A = tf.reduce_mean(tf.square(p_A)) + tf.reduce_mean(tf.squared_difference(rec_A, 1))
    d_B = tf.reduce_mean(tf.square(p_B)) + tf.reduce_mean(tf.squared_difference(rec_B, 1))
    opt = tf.train.AdamOptimizer(lr, beta1=0.5)
    for name, loss in (("d_A", d_A), ("d_B", d_B), ("g_A", g_A), ("g_B", g_B)):
        opt.minimize(loss / 2.0, var_list=_scoped(tf, f"Model/{name}"))
        tf.summary.scalar(name, loss)
    return [[fake_B, fake_B.op.inputs[0]], [fake_A, fake_A.op.inputs[0]]]
