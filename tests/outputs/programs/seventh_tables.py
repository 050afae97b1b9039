"""Tables, agents and makers, a seventh blind set: kept back till the sixth was mended."""


def _scoped(tf, name):
    return tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope=name)


def estimator_regressing(tf):
    """A canned regressor in TRAIN mode: hidden layers' summaries, predictions of one column."""
    x = tf.placeholder(tf.float32, [None, 8], "Placeholder")
    y = tf.placeholder(tf.float32, [None, 1], "Placeholder_1")
    with tf.variable_scope("dnn"):
        net = x
        for i in range(2):
            with tf.variable_scope(f"hiddenlayer_{i}"):
                net = tf.layers.dense(net, 8, tf.nn.relu)
            tf.summary.scalar(f"hiddenlayer_{i}/fraction_of_zero_values", tf.nn.zero_fraction(net))
            tf.summary.histogram(f"hiddenlayer_{i}/activation", net)
        with tf.variable_scope("logits"):
            logits = tf.layers.dense(net, 1)
        tf.summary.histogram("logits/activation", logits)
        with tf.name_scope("head"):
            predictions = tf.identity(logits, name="predictions")
            loss = tf.losses.mean_squared_error(y, logits, reduction="weighted_sum")
            tf.summary.scalar("loss", loss)
            n = tf.to_float(tf.shape(y)[0])
            tf.summary.scalar("average_loss", loss / n)
    step = tf.train.get_or_create_global_step()
    tf.train.AdagradOptimizer(0.05).minimize(loss, global_step=step)
    return [[predictions, logits]]


def estimator_wide_and_deep(tf):
    """Wide and deep in TRAIN mode: two optimizers, one head."""
    wide = tf.placeholder(tf.float32, [None, 20], "wide_features")
    deep = tf.placeholder(tf.float32, [None, 8], "deep_features")
    labels = tf.placeholder(tf.int64, [None, 1], "labels")
    with tf.variable_scope("dnn"):
        h = tf.layers.dense(deep, 8, tf.nn.relu, name="hiddenlayer_0")
        dnn_logits = tf.layers.dense(h, 3, name="logits")
    with tf.variable_scope("linear"):
        w = tf.get_variable("linear_model/weights", [20, 3])
        b = tf.get_variable("linear_model/bias_weights", [3])
        lin = tf.nn.bias_add(tf.matmul(wide, w), b)
    logits = tf.add(dnn_logits, lin)
    with tf.name_scope("head"):
        ids = tf.argmax(logits, 1, name="predictions/class_ids")
        tf.as_string(tf.expand_dims(ids, 1), name="predictions/str_classes")
        probs = tf.nn.softmax(logits, name="predictions/probabilities")
        loss = tf.losses.sparse_softmax_cross_entropy(tf.squeeze(labels, 1), logits)
    step = tf.train.get_or_create_global_step()
    with tf.name_scope("train"):
        a = tf.train.AdagradOptimizer(0.05).minimize(loss, var_list=_scoped(tf, "dnn"))
        c = tf.train.FtrlOptimizer(0.2).minimize(loss, var_list=_scoped(tf, "linear"))
        with tf.control_dependencies([a, c]):
            tf.assign_add(step, 1)
    return [[probs, ids, logits]]


def soft_policies(tf):
    """SAC: a squashed normal policy, two Q, a value and its target, entropy weighted."""
    s = tf.placeholder(tf.float32, [None, 3], "s")
    a = tf.placeholder(tf.float32, [None, 1], "a")
    s_ = tf.placeholder(tf.float32, [None, 3], "s_")
    r = tf.placeholder(tf.float32, [None, 1], "r")
    done = tf.placeholder(tf.float32, [None, 1], "done")

    def mlp(x, n, scope, trainable=True):
        with tf.variable_scope(scope, reuse=tf.AUTO_REUSE):
            h = tf.layers.dense(x, 16, tf.nn.relu, name="l1", trainable=trainable)
            return tf.layers.dense(h, n, name="out", trainable=trainable)

    mu, log_std = tf.split(mlp(s, 2, "policy"), 2, 1)
    std = tf.exp(tf.clip_by_value(log_std, -20, 2))
    u = mu + std * tf.random_normal(tf.shape(mu))
    action, mean = tf.tanh(u), tf.tanh(mu)
    logp = -0.5 * (tf.square((u - mu) / std) + 2 * tf.log(std) + 1.8379)
    logp -= tf.log(1 - tf.square(action) + 1e-6)
    q1, q2 = mlp(tf.concat([s, a], 1), 1, "q1"), mlp(tf.concat([s, a], 1), 1, "q2")
    q1_pi = mlp(tf.concat([s, action], 1), 1, "q1")
    q2_pi = mlp(tf.concat([s, action], 1), 1, "q2")
    v, v_ = mlp(s, 1, "v"), mlp(s_, 1, "v_target", False)
    q_back = tf.stop_gradient(r + 0.99 * (1 - done) * v_)
    v_back = tf.stop_gradient(tf.minimum(q1_pi, q2_pi) - 0.2 * logp)
    pi_loss = tf.reduce_mean(0.2 * logp - q1_pi)
    value_loss = sum(tf.reduce_mean(tf.square(x)) for x in (q_back - q1, q_back - q2, v_back - v))
    tf.train.AdamOptimizer(1e-3).minimize(pi_loss, var_list=_scoped(tf, "policy"))
    values = _scoped(tf, "q1") + _scoped(tf, "q2") + _scoped(tf, "v")
    tf.train.AdamOptimizer(1e-3).minimize(value_loss, var_list=values)
    target = tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, "v_target")
    _ = [
        tf.assign(t, 0.995 * t + 0.005 * m) for t, m in zip(target, _scoped(tf, "v/"), strict=True)
    ]
    return [[action, mean, u, mu]]


def regions_of_policy(tf):
    """TRPO: categorical policy and old parameters, Fisher vector products, a value apart."""
    obs = tf.placeholder(tf.float32, [None, 4], "obs")
    act = tf.placeholder(tf.int64, [None], "act")
    adv = tf.placeholder(tf.float32, [None], "adv")
    old = tf.placeholder(tf.float32, [None, 2], "oldaction_dist")
    with tf.variable_scope("policy"):
        h = tf.layers.dense(obs, 16, tf.nn.tanh)
        dist = tf.nn.softmax(tf.layers.dense(h, 2))
    n = tf.shape(obs)[0]
    at = tf.stack([tf.range(n), tf.cast(act, tf.int32)], 1)
    ratio = tf.gather_nd(dist, at) / tf.gather_nd(old, at)
    surr = -tf.reduce_mean(ratio * adv)
    params = _scoped(tf, "policy")
    tf.concat([tf.reshape(g, [-1]) for g in tf.gradients(surr, params)], 0)
    fixed = tf.stop_gradient(dist)
    kl = tf.reduce_mean(tf.reduce_sum(fixed * tf.log((fixed + 1e-6) / (dist + 1e-6)), 1))
    tangent = tf.placeholder(tf.float32, [None], "flat_tangent")
    grads, start, gvp = tf.gradients(kl, params), 0, []
    for g, p in zip(grads, params, strict=True):
        size = p.shape.num_elements()
        gvp.append(tf.reduce_sum(g * tf.reshape(tangent[start : start + size], p.shape)))
        start += size
    tf.concat([tf.reshape(g, [-1]) for g in tf.gradients(gvp, params)], 0)
    with tf.variable_scope("vf"):
        ret = tf.placeholder(tf.float32, [None], "ret")
        value = tf.squeeze(tf.layers.dense(tf.layers.dense(obs, 16, tf.nn.relu), 1), 1)
        tf.train.AdamOptimizer(1e-3).minimize(tf.nn.l2_loss(value - ret))
    return [[dist, dist.op.inputs[0]], [value]]


def imitated_adversarially(tf):
    """GAIL: a discriminator's reward, a policy with sampled and greedy actions, a value."""
    with tf.variable_scope("policy"):
        obs = tf.placeholder(tf.float32, [None, 4], name="obs")
        with tf.variable_scope("policy_net"):
            h = tf.layers.dense(tf.layers.dense(obs, 12, tf.tanh), 12, tf.tanh)
            act_probs = tf.layers.dense(h, 2, tf.nn.softmax)
        with tf.variable_scope("value_net"):
            v_preds = tf.layers.dense(tf.layers.dense(obs, 12, tf.tanh), 1)
        stochastic = tf.reshape(tf.multinomial(tf.log(act_probs), 1), [-1])
        deterministic = tf.argmax(act_probs, axis=1)
    with tf.variable_scope("discriminator"):
        e_s, e_a = tf.placeholder(tf.float32, [None, 4]), tf.placeholder(tf.int32, [None])
        a_s, a_a = tf.placeholder(tf.float32, [None, 4]), tf.placeholder(tf.int32, [None])

        def net(s, a):
            with tf.variable_scope("network", reuse=tf.AUTO_REUSE):
                x = tf.concat([s, tf.one_hot(a, 2)], 1)
                return tf.layers.dense(tf.layers.dense(x, 8, tf.nn.leaky_relu), 1, tf.sigmoid)

        p1, p2 = net(e_s, e_a), net(a_s, a_a)
        expert = tf.reduce_mean(tf.log(tf.clip_by_value(p1, 0.01, 1)))
        agent = tf.reduce_mean(tf.log(tf.clip_by_value(1 - p2, 0.01, 1)))
        d_loss = -(expert + agent)
        tf.train.AdamOptimizer().minimize(d_loss, var_list=_scoped(tf, "discriminator"))
        rewards = tf.log(tf.clip_by_value(p2, 1e-10, 1))
    actions = tf.placeholder(tf.int32, [None], name="actions")
    gaes = tf.placeholder(tf.float32, [None], name="gaes")
    picked = tf.reduce_sum(act_probs * tf.one_hot(actions, 2), 1)
    loss = -tf.reduce_mean(tf.log(picked) * gaes) + tf.reduce_mean(tf.square(v_preds))
    tf.train.AdamOptimizer(1e-4).minimize(loss, var_list=_scoped(tf, "policy"))
    return [[stochastic, deterministic, act_probs], [v_preds], [rewards]]


def quantiles_of_return(tf):
    """QR-DQN: quantiles of each action, their mean decides, a Huber loss over pairs."""

    def net(x, scope):
        with tf.variable_scope(scope):
            h = tf.layers.dense(x, 16, tf.nn.relu)
            return tf.reshape(tf.layers.dense(h, 3 * 8), [-1, 3, 8])

    obs, obs2 = (tf.placeholder(tf.float32, [None, 4], n) for n in ("obs_t", "obs_tp1"))
    act = tf.placeholder(tf.int32, [None], "act_t")
    rew = tf.placeholder(tf.float32, [None], "rew_t")
    z = net(obs, "q_func")
    q_values = tf.reduce_mean(z, 2)
    best = tf.argmax(q_values, 1)
    z2 = net(obs2, "target_q_func")
    nxt = tf.one_hot(tf.argmax(tf.reduce_mean(z2, 2), 1), 3)
    target = rew[:, None] + 0.99 * tf.reduce_sum(z2 * nxt[:, :, None], 1)
    chosen = tf.reduce_sum(z * tf.one_hot(act, 3)[:, :, None], 1)
    u = tf.stop_gradient(target)[:, None, :] - chosen[:, :, None]
    tau = tf.reshape((tf.range(8, dtype=tf.float32) + 0.5) / 8, [1, 8, 1])
    huber = tf.where(tf.abs(u) < 1, 0.5 * tf.square(u), tf.abs(u) - 0.5)
    loss = tf.reduce_mean(tf.abs(tau - tf.to_float(u < 0)) * huber)
    tf.train.AdamOptimizer(5e-5).minimize(loss, var_list=_scoped(tf, "q_func"))
    return [[best, q_values, z]]


def facades_translated(tf):
    """pix2pix as its tensorflow port has it: examples by a queue, deprocessed pictures at last."""
    inputs = tf.placeholder(tf.float32, [1, 32, 32, 3], "inputs")
    targets = tf.placeholder(tf.float32, [1, 32, 32, 3], "targets")
    pre = inputs * 2 - 1
    with tf.variable_scope("generator"):
        e1 = tf.layers.conv2d(pre, 8, 4, 2, "same", name="encoder_1")
        e2 = tf.layers.conv2d(tf.nn.leaky_relu(e1), 8, 4, 2, "same", name="encoder_2")
        d2 = tf.layers.conv2d_transpose(tf.nn.relu(e2), 8, 4, 2, "same", name="decoder_2")
        d2 = tf.nn.dropout(d2, keep_prob=0.5)
        d1 = tf.concat([d2, e1], 3)
        d1 = tf.layers.conv2d_transpose(tf.nn.relu(d1), 3, 4, 2, "same", name="decoder_1")
        outputs = tf.tanh(d1)

    def disc(x, y):
        with tf.variable_scope("discriminator", reuse=tf.AUTO_REUSE):
            h = tf.nn.leaky_relu(tf.layers.conv2d(tf.concat([x, y], 3), 8, 4, 2, name="layer_1"))
            return tf.sigmoid(tf.layers.conv2d(h, 1, 4, 1, name="layer_5"))

    real, fake = disc(pre, targets * 2 - 1), disc(pre, outputs)
    d_loss = tf.reduce_mean(-(tf.log(real + 1e-12) + tf.log(1 - fake + 1e-12)))
    gan = tf.reduce_mean(-tf.log(fake + 1e-12))
    l1 = tf.reduce_mean(tf.abs(targets * 2 - 1 - outputs))
    d_train = tf.train.AdamOptimizer(2e-4, 0.5)
    dv = d_train.compute_gradients(d_loss, var_list=_scoped(tf, "discriminator"))
    with tf.control_dependencies([d_train.apply_gradients(dv)]):
        g_train = tf.train.AdamOptimizer(2e-4, 0.5)
        gv = g_train.compute_gradients(gan + 100 * l1, var_list=_scoped(tf, "generator"))
        g_train.apply_gradients(gv)
    ema = tf.train.ExponentialMovingAverage(decay=0.99)
    ema.apply([d_loss, gan, l1])
    deprocessed = (outputs + 1) / 2
    converted = tf.image.convert_image_dtype(deprocessed, tf.uint8, saturate=True)
    png = tf.map_fn(tf.image.encode_png, converted, dtype=tf.string, name="output_pngs")
    tf.summary.image("outputs", converted)
    return [[png, converted, deprocessed, outputs]]


def codes_of_latents(tf):
    """InfoGAN: a generator from codes, a discriminator with a recogniser on its trunk."""
    x = tf.placeholder(tf.float32, [None, 784], "X")
    z = tf.placeholder(tf.float32, [None, 16], "Z")
    c = tf.placeholder(tf.float32, [None, 10], "c")

    def generator(z, c):
        with tf.variable_scope("G"):
            h = tf.layers.dense(tf.concat([z, c], 1), 24, tf.nn.relu)
            return tf.nn.sigmoid(tf.layers.dense(h, 784))

    def discriminator(x):
        with tf.variable_scope("D", reuse=tf.AUTO_REUSE):
            return tf.nn.sigmoid(tf.layers.dense(tf.layers.dense(x, 24, tf.nn.relu), 1))

    def recognise(x):
        with tf.variable_scope("Q"):
            return tf.nn.softmax(tf.layers.dense(tf.layers.dense(x, 24, tf.nn.relu), 10))

    sample = generator(z, c)
    d_real, d_fake = discriminator(x), discriminator(sample)
    q = recognise(sample)
    d_loss = -tf.reduce_mean(tf.log(d_real + 1e-8) + tf.log(1 - d_fake + 1e-8))
    g_loss = -tf.reduce_mean(tf.log(d_fake + 1e-8))
    q_loss = tf.reduce_mean(-tf.reduce_sum(tf.log(q + 1e-8) * c, 1))
    tf.train.AdamOptimizer().minimize(d_loss, var_list=_scoped(tf, "D"))
    tf.train.AdamOptimizer().minimize(g_loss, var_list=_scoped(tf, "G"))
    both = _scoped(tf, "G") + _scoped(tf, "Q")
    tf.train.AdamOptimizer().minimize(q_loss, var_list=both)
    return [[sample, sample.op.inputs[0]]]


def encoders_variational(tf):
    """A VAE on digits by dense layers, Bernoulli likelihood by hand."""
    x = tf.placeholder(tf.float32, [None, 784], name="input_img")
    keep = tf.placeholder(tf.float32, name="keep_prob")
    dim = 4
    with tf.variable_scope("gaussian_MLP_encoder"):
        h = tf.nn.dropout(tf.nn.elu(tf.layers.dense(x, 24)), keep)
        params = tf.layers.dense(h, dim * 2)
        mu, sigma = params[:, :dim], 1e-6 + tf.nn.softplus(params[:, dim:])
    z = mu + sigma * tf.random_normal(tf.shape(mu))
    with tf.variable_scope("bernoulli_MLP_decoder"):
        h = tf.nn.dropout(tf.nn.tanh(tf.layers.dense(z, 24)), keep)
        y = tf.sigmoid(tf.layers.dense(h, 784))
    y = tf.clip_by_value(y, 1e-8, 1 - 1e-8)
    like = tf.reduce_sum(x * tf.log(y) + (1 - x) * tf.log(1 - y), 1)
    kl = 0.5 * tf.reduce_sum(tf.square(mu) + tf.square(sigma) - tf.log(tf.square(sigma)) - 1, 1)
    elbo = tf.reduce_mean(like) - tf.reduce_mean(kl)
    tf.train.AdamOptimizer(1e-3).minimize(-elbo)
    return [[y, y.op.inputs[0].op.inputs[0]], [z, mu]]


def ratings_autoencoded(tf):
    """AutoRec by items, masked rows, weight decay by hand."""
    R = tf.placeholder(tf.float32, [None, 40], "input_R")
    mask = tf.placeholder(tf.float32, [None, 40], "input_mask_R")
    V = tf.get_variable("V", [40, 8])
    W = tf.get_variable("W", [8, 40])
    mu, b = tf.get_variable("mu", [8]), tf.get_variable("b", [40])
    enc = tf.nn.sigmoid(tf.matmul(R, V) + mu)
    dec = tf.identity(tf.matmul(enc, W) + b)
    rec = tf.reduce_sum(tf.square((R - dec) * mask))
    cost = rec + 0.5 * (tf.nn.l2_loss(W) + tf.nn.l2_loss(V))
    step = tf.Variable(0, trainable=False)
    rate = tf.train.exponential_decay(1e-3, step, 50, 0.96, staircase=True)
    opt = tf.train.AdamOptimizer(rate)
    opt.apply_gradients(opt.compute_gradients(cost), global_step=step)
    return [[dec, dec.op.inputs[0]]]


def shared_bottoms(tf):
    """Clicks and conversions over one bottom: two towers, their product too."""
    x = tf.placeholder(tf.float32, [None, 20], "features")
    click = tf.placeholder(tf.float32, [None, 1], "click")
    buy = tf.placeholder(tf.float32, [None, 1], "conversion")
    with tf.variable_scope("shared"):
        h = tf.layers.dense(x, 16, tf.nn.relu)

    def tower(name):
        with tf.variable_scope(name):
            t = tf.layers.dense(h, 8, tf.nn.relu)
            return tf.layers.dense(t, 1, name="logit")

    ctr, cvr = tf.sigmoid(tower("ctr"), name="pctr"), tf.sigmoid(tower("cvr"), name="pcvr")
    ctcvr = tf.multiply(ctr, cvr, name="pctcvr")
    loss = tf.losses.log_loss(click, ctr) + tf.losses.log_loss(buy, ctcvr)
    tf.metrics.auc(click, ctr)
    tf.metrics.auc(buy, ctcvr)
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[ctcvr], [ctr, ctr.op.inputs[0]], [cvr, cvr.op.inputs[0]]]


def neighbours_attended(tf):
    """Graph attention over proteins: many labels, sigmoids thresholded for the score."""
    x = tf.placeholder(tf.float32, [1, 20, 8], "ftr_in")
    bias = tf.placeholder(tf.float32, [1, 20, 20], "bias_in")
    lbl = tf.placeholder(tf.int32, [1, 20, 6], "lbl_in")
    msk = tf.placeholder(tf.int32, [1, 20], "msk_in")
    drop = tf.placeholder(tf.float32, (), "attn_drop")

    def head(h, n, act):
        f = tf.layers.conv1d(h, n, 1, use_bias=False)
        logits = tf.layers.conv1d(f, 1, 1) + tf.transpose(tf.layers.conv1d(f, 1, 1), [0, 2, 1])
        a = tf.nn.dropout(tf.nn.softmax(tf.nn.leaky_relu(logits) + bias), 1.0 - drop)
        return act(tf.matmul(a, f))

    h = tf.concat([head(x, 4, tf.nn.elu) for _ in range(2)], -1)
    logits = tf.add_n([head(h, 6, lambda v: v) for _ in range(2)]) / 2
    flat = tf.reshape(logits, [-1, 6])
    labels = tf.to_float(tf.reshape(lbl, [-1, 6]))
    mask = tf.to_float(tf.reshape(msk, [-1]))
    xent = tf.nn.sigmoid_cross_entropy_with_logits(logits=flat, labels=labels)
    loss = tf.reduce_mean(tf.reduce_mean(xent, 1) * mask / tf.reduce_mean(mask))
    predicted = tf.round(tf.nn.sigmoid(flat))
    tp = tf.count_nonzero(predicted * labels)
    tf.divide(tp, tf.count_nonzero(predicted))
    l2 = tf.add_n([tf.nn.l2_loss(v) for v in tf.trainable_variables()]) * 5e-4
    tf.train.AdamOptimizer(5e-3).minimize(loss + l2)
    return [[logits, flat, predicted, predicted.op.inputs[0]]]
