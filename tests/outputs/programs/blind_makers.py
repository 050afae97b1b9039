"""Agents and makers, a second blind set: written after the first was mended (see `programs.py`)."""


def _scope(tf, name):
    return tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope=name)


def _xent(tf, logits, one):
    labels = tf.ones_like(logits) if one else tf.zeros_like(logits)
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=labels))


def advantage_from_pixels(tf):
    """A2C with one trunk: actions are drawn from the logits."""
    obs = tf.placeholder(tf.float32, [None, 20, 20, 4], name="obs")
    acts = tf.placeholder(tf.int32, [None], name="acts")
    rets = tf.placeholder(tf.float32, [None], name="returns")
    with tf.variable_scope("ac"):
        h = tf.layers.conv2d(obs / 255.0, 8, 5, 3, activation=tf.nn.relu)
        h = tf.layers.dense(tf.layers.flatten(h), 16, tf.nn.relu)
        logits = tf.layers.dense(h, 4, name="policy_logits")
        value = tf.squeeze(tf.layers.dense(h, 1, name="value_fn"), axis=1)
    sample = tf.squeeze(tf.multinomial(logits, 1), axis=1)
    adv = tf.stop_gradient(rets - value)
    neglogp = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=acts)
    p = tf.nn.softmax(logits)
    entropy = tf.reduce_mean(-tf.reduce_sum(p * tf.log(p + 1e-8), 1))
    loss = tf.reduce_mean(neglogp * adv) - 0.01 * entropy
    loss += 0.5 * tf.reduce_mean(tf.square(rets - value))
    opt = tf.train.RMSPropOptimizer(7e-4, decay=0.99)
    grads, variables = zip(*opt.compute_gradients(loss), strict=True)
    grads, _ = tf.clip_by_global_norm(grads, 0.5)
    opt.apply_gradients(zip(grads, variables, strict=True))
    return [[sample, logits, p], [value]]


def curious_agent(tf):
    """A policy with an intrinsic reward: an inverse and a forward model beside it."""
    s = tf.placeholder(tf.float32, [None, 8], "state")
    s2 = tf.placeholder(tf.float32, [None, 8], "next_state")
    a = tf.placeholder(tf.float32, [None, 3], "action")
    adv = tf.placeholder(tf.float32, [None], "advantage")
    r = tf.placeholder(tf.float32, [None], "return")
    with tf.variable_scope("policy"):
        h = tf.layers.dense(s, 16, tf.nn.elu)
        logits = tf.layers.dense(h, 3)
        probs = tf.nn.softmax(logits, dim=-1)
        vf = tf.reshape(tf.layers.dense(h, 1), [-1])
    with tf.variable_scope("predictor"):
        phi1 = tf.layers.dense(s, 12, tf.nn.elu, name="phi")
        phi2 = tf.layers.dense(s2, 12, tf.nn.elu, name="phi", reuse=True)
        inv = tf.layers.dense(tf.concat([phi1, phi2], 1), 3, name="inverse")
        fwd = tf.layers.dense(tf.concat([phi1, a], 1), 12, name="forward")
        inv_loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=a, logits=inv))
        fwd_loss = 0.5 * tf.reduce_mean(tf.square(fwd - phi2))
    log_prob = tf.nn.log_softmax(logits)
    pi_loss = -tf.reduce_sum(tf.reduce_sum(log_prob * a, [1]) * adv)
    vf_loss = 0.5 * tf.reduce_sum(tf.square(vf - r))
    entropy = -tf.reduce_sum(probs * log_prob)
    total = pi_loss + 0.5 * vf_loss - entropy * 0.01 + 10 * (0.8 * inv_loss + 0.2 * fwd_loss)
    tf.train.AdamOptimizer(1e-4).minimize(total)
    return [[probs, logits], [vf]]


def twin_delayed(tf):
    """TD3 in Spinning Up's words: `get_action` fetches pi."""
    x, a, x2, r, d = (
        tf.placeholder(tf.float32, (None, n) if n else (None,)) for n in (5, 2, 5, None, None)
    )

    def mlp(v, sizes, activation, out=None):
        for n in sizes[:-1]:
            v = tf.layers.dense(v, n, activation)
        return tf.layers.dense(v, sizes[-1], out)

    def nets(x, a):
        with tf.variable_scope("pi"):
            pi = 1.5 * mlp(x, (16, 16, 2), tf.nn.relu, tf.tanh)
        with tf.variable_scope("q1"):
            q1 = tf.squeeze(mlp(tf.concat([x, a], -1), (16, 16, 1), tf.nn.relu), axis=1)
        with tf.variable_scope("q2"):
            q2 = tf.squeeze(mlp(tf.concat([x, a], -1), (16, 16, 1), tf.nn.relu), axis=1)
        with tf.variable_scope("q1", reuse=True):
            q1_pi = tf.squeeze(mlp(tf.concat([x, pi], -1), (16, 16, 1), tf.nn.relu), axis=1)
        return pi, q1, q2, q1_pi

    with tf.variable_scope("main"):
        pi, q1, q2, q1_pi = nets(x, a)
    with tf.variable_scope("target"):
        pi_targ, _, _, _ = nets(x2, a)
    with tf.variable_scope("target", reuse=True):
        epsilon = tf.clip_by_value(tf.random_normal(tf.shape(pi_targ), stddev=0.2), -0.5, 0.5)
        a2 = tf.clip_by_value(pi_targ + epsilon, -1.5, 1.5)
        _, q1_targ, q2_targ, _ = nets(x2, a2)
    backup = tf.stop_gradient(r + 0.99 * (1 - d) * tf.minimum(q1_targ, q2_targ))
    pi_loss = -tf.reduce_mean(q1_pi)
    q_loss = tf.reduce_mean((q1 - backup) ** 2) + tf.reduce_mean((q2 - backup) ** 2)
    tf.train.AdamOptimizer(1e-3).minimize(pi_loss, var_list=_scope(tf, "main/pi"))
    tf.train.AdamOptimizer(1e-3).minimize(q_loss, var_list=_scope(tf, "main/q"))
    for m, t in zip(_scope(tf, "main"), _scope(tf, "target"), strict=True):
        tf.assign(t, 0.995 * t + 0.005 * m)
    return [[pi, pi.op.inputs[1]]]


def value_iteration(tf):
    """A value iteration network: convolutions over a map, Q at the agent's place."""
    X = tf.placeholder(tf.float32, name="X", shape=[None, 8, 8, 2])
    S1 = tf.placeholder(tf.int32, name="S1", shape=[None])
    S2 = tf.placeholder(tf.int32, name="S2", shape=[None])
    y = tf.placeholder(tf.int64, name="y", shape=[None])

    def var(shape):
        return tf.Variable(tf.random_normal(shape, stddev=0.01))

    h = tf.nn.conv2d(X, var([3, 3, 2, 8]), [1, 1, 1, 1], "SAME") + var([1, 1, 1, 8])
    r = tf.nn.conv2d(h, var([1, 1, 8, 1]), [1, 1, 1, 1], "SAME")
    w, w_fb, w_o = var([3, 3, 1, 5]), var([3, 3, 1, 5]), var([5, 4])
    q = tf.nn.conv2d(r, w, [1, 1, 1, 1], "SAME")
    for _ in range(3):
        v = tf.reduce_max(q, axis=3, keep_dims=True, name="v")
        q = tf.nn.conv2d(tf.concat([r, v], 3), tf.concat([w, w_fb], 2), [1] * 4, "SAME")
    idx = tf.stack([tf.range(tf.shape(S1)[0]), S1, S2], axis=1)
    q_out = tf.gather_nd(q, idx, name="q_out")
    logits = tf.matmul(q_out, w_o)
    output = tf.nn.softmax(logits, name="output")
    xent = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=y)
    tf.train.RMSPropOptimizer(1e-3).minimize(tf.reduce_mean(xent))
    tf.reduce_mean(tf.cast(tf.not_equal(tf.argmax(output, 1), y), tf.float32))
    return [[output, logits]]


def imitating_experts(tf):
    """GAIL: a policy, a value, and a discriminator of pairs of states and actions."""
    ob = tf.placeholder(tf.float32, [None, 4], "ob")
    ac = tf.placeholder(tf.float32, [None, 2], "ac")
    atarg = tf.placeholder(tf.float32, [None], "atarg")
    ret = tf.placeholder(tf.float32, [None], "ret")
    e_ob = tf.placeholder(tf.float32, [None, 4], "expert_ob")
    e_ac = tf.placeholder(tf.float32, [None, 2], "expert_ac")
    with tf.variable_scope("pi"):
        h = tf.layers.dense(ob, 12, tf.nn.tanh, name="polfc1")
        mean = tf.layers.dense(h, 2, name="polfinal")
        logstd = tf.get_variable("logstd", [1, 2], initializer=tf.zeros_initializer())
        ac_out = mean + tf.exp(logstd) * tf.random_normal(tf.shape(mean))
        h = tf.layers.dense(ob, 12, tf.nn.tanh, name="vffc1")
        vpred = tf.layers.dense(h, 1, name="vffinal")[:, 0]
    neglogp = 0.5 * tf.reduce_sum(tf.square((ac - mean) / tf.exp(logstd)), 1)
    neglogp += tf.reduce_sum(logstd)
    tf.train.AdamOptimizer(3e-4).minimize(
        tf.reduce_mean(neglogp * atarg) + tf.reduce_mean(tf.square(vpred - ret)),
        var_list=_scope(tf, "pi"),
    )

    def disc(o, a, reuse):
        with tf.variable_scope("adversary", reuse=reuse):
            h = tf.layers.dense(tf.concat([o, a], 1), 12, tf.nn.tanh)
            return tf.layers.dense(h, 1)

    g, e = disc(ob, ac, False), disc(e_ob, e_ac, True)
    reward = -tf.log(1 - tf.nn.sigmoid(g) + 1e-8)
    loss = _xent(tf, g, False) + _xent(tf, e, True)
    tf.train.AdamOptimizer(3e-4).minimize(loss, var_list=_scope(tf, "adversary"))
    return [[ac_out, mean], [vpred], [reward]]


def deep_convolutional(tf):
    """A DCGAN whose sampler is the generator again, told not to train."""
    inputs_real = tf.placeholder(tf.float32, [None, 28, 28, 1], name="inputs_real")
    inputs_z = tf.placeholder(tf.float32, [None, 20], name="inputs_z")

    def generator(z, is_train=True):
        with tf.variable_scope("generator", reuse=not is_train):
            x = tf.reshape(tf.layers.dense(z, 7 * 7 * 8), [-1, 7, 7, 8])
            x = tf.nn.leaky_relu(tf.layers.batch_normalization(x, training=is_train), 0.1)
            x = tf.layers.conv2d_transpose(x, 4, 5, 2, "same")
            x = tf.nn.leaky_relu(tf.layers.batch_normalization(x, training=is_train), 0.1)
            return tf.tanh(tf.layers.conv2d_transpose(x, 1, 5, 2, "same"))

    def discriminator(x, reuse=False):
        with tf.variable_scope("discriminator", reuse=reuse):
            x = tf.nn.leaky_relu(tf.layers.conv2d(x, 4, 5, 2, "same"), 0.1)
            logits = tf.layers.dense(tf.layers.flatten(x), 1)
            return tf.sigmoid(logits), logits

    g_model = generator(inputs_z)
    _, d_logits_real = discriminator(inputs_real)
    _, d_logits_fake = discriminator(g_model, True)
    d_loss = _xent(tf, d_logits_real, True) + _xent(tf, d_logits_fake, False)
    g_loss = _xent(tf, d_logits_fake, True)
    t_vars = tf.trainable_variables()
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        for loss, name in ((d_loss, "discriminator"), (g_loss, "generator")):
            of = [v for v in t_vars if v.name.startswith(name)]
            tf.train.AdamOptimizer(2e-4, beta1=0.4).minimize(loss, var_list=of)
    out = generator(inputs_z, False)
    return [[out, out.op.inputs[0]]]


def informed_generator(tf):
    """InfoGAN: a third head guesses the code that the image was made of."""
    X = tf.placeholder(tf.float32, [None, 784])
    Z = tf.placeholder(tf.float32, [None, 8])
    c = tf.placeholder(tf.float32, [None, 10])
    with tf.variable_scope("G"):
        h = tf.layers.dense(tf.concat([Z, c], 1), 16, tf.nn.relu)
        G_sample = tf.layers.dense(h, 784, tf.nn.sigmoid)

    def D(x, reuse):
        with tf.variable_scope("D", reuse=reuse):
            return tf.layers.dense(tf.layers.dense(x, 16, tf.nn.relu), 1, tf.nn.sigmoid)

    D_real, D_fake = D(X, False), D(G_sample, True)
    with tf.variable_scope("Q"):
        Q_c = tf.layers.dense(tf.layers.dense(G_sample, 16, tf.nn.relu), 10, tf.nn.softmax)
    D_loss = -tf.reduce_mean(tf.log(D_real + 1e-8) + tf.log(1 - D_fake + 1e-8))
    G_loss = -tf.reduce_mean(tf.log(D_fake + 1e-8))
    cond = tf.reduce_mean(-tf.reduce_sum(tf.log(Q_c + 1e-8) * c, 1))
    tf.train.AdamOptimizer().minimize(D_loss, var_list=_scope(tf, "D/"))
    tf.train.AdamOptimizer().minimize(G_loss, var_list=_scope(tf, "G/"))
    tf.train.AdamOptimizer().minimize(cond, var_list=_scope(tf, "G/") + _scope(tf, "Q/"))
    return [[G_sample, G_sample.op.inputs[0]]]


def many_domains(tf):
    """StarGAN: one generator told the wanted domain; the discriminator classes too."""
    real = tf.placeholder(tf.float32, [None, 16, 16, 3], name="real_images")
    org = tf.placeholder(tf.float32, [None, 5], name="original_label")
    trg = tf.placeholder(tf.float32, [None, 5], name="target_label")

    def G(x, label):
        with tf.variable_scope("generator", reuse=tf.AUTO_REUSE):
            tiled = tf.tile(label[:, None, None, :], [1, 16, 16, 1])
            v = tf.layers.conv2d(tf.concat([x, tiled], 3), 8, 7, 1, "same", name="c")
            v = tf.nn.relu(tf.layers.conv2d(tf.nn.relu(v), 8, 3, 1, "same", name="r"))
            return tf.nn.tanh(tf.layers.conv2d(v, 3, 7, 1, "same", name="g_logit"))

    def D(x):
        with tf.variable_scope("discriminator", reuse=tf.AUTO_REUSE):
            v = tf.nn.leaky_relu(tf.layers.conv2d(x, 8, 4, 4, "same", name="c"))
            logit = tf.layers.conv2d(v, 1, 3, 1, "same", name="D_logit")
            return logit, tf.reshape(tf.layers.conv2d(v, 5, 4, 1, name="D_label"), [-1, 5])

    fake = G(real, trg)
    recon = G(fake, org)
    real_logit, real_cls = D(real)
    fake_logit, fake_cls = D(fake)

    def cls(logit, label):
        x = tf.nn.sigmoid_cross_entropy_with_logits(labels=label, logits=logit)
        return tf.reduce_mean(x)

    d_loss = -tf.reduce_mean(real_logit) + tf.reduce_mean(fake_logit) + cls(real_cls, org)
    g_loss = -tf.reduce_mean(fake_logit) + cls(fake_cls, trg)
    g_loss += 10 * tf.reduce_mean(tf.abs(real - recon))
    tf.train.AdamOptimizer(1e-4).minimize(d_loss, var_list=_scope(tf, "discriminator"))
    tf.train.AdamOptimizer(1e-4).minimize(g_loss, var_list=_scope(tf, "generator"))
    custom = tf.placeholder(tf.float32, [1, 16, 16, 3], name="custom_image")
    custom_label = tf.placeholder(tf.float32, [1, 5], name="custom_label")
    custom_fake = G(custom, custom_label)
    return [[custom_fake, custom_fake.op.inputs[0], fake]]


def adversarial_codes(tf):
    """An adversarial autoencoder: decoded from a given code for samples."""
    x_input = tf.placeholder(tf.float32, [None, 784], name="Input")
    x_target = tf.placeholder(tf.float32, [None, 784], name="Target")
    real_distribution = tf.placeholder(tf.float32, [None, 4], name="Real_distribution")
    decoder_input = tf.placeholder(tf.float32, [1, 4], name="Decoder_input")

    def dense(x, n, name):
        with tf.variable_scope(name):
            w = tf.get_variable("weights", [int(x.shape[1]), n])
            return tf.add(tf.matmul(x, w), tf.get_variable("bias", [n]), name="matmul")

    with tf.variable_scope("Encoder"):
        z = dense(tf.nn.relu(dense(x_input, 16, "e_dense_1")), 4, "e_latent_variable")

    def decoder(z, reuse):
        with tf.variable_scope("Decoder", reuse=reuse):
            return tf.nn.sigmoid(dense(tf.nn.relu(dense(z, 16, "d_dense_1")), 784, "d_output"))

    def disc(z, reuse):
        with tf.variable_scope("Discriminator", reuse=reuse):
            return dense(tf.nn.relu(dense(z, 16, "dc_den1")), 1, "dc_output")

    decoder_output = decoder(z, False)
    d_real, d_fake = disc(real_distribution, False), disc(z, True)
    decoder_image = decoder(decoder_input, True)
    ae_loss = tf.reduce_mean(tf.square(x_target - decoder_output))
    dc_loss = _xent(tf, d_real, True) + _xent(tf, d_fake, False)
    dc_var = [v for v in tf.trainable_variables() if "dc_" in v.name]
    en_var = [v for v in tf.trainable_variables() if "e_" in v.name and "dc" not in v.name]
    tf.train.AdamOptimizer(1e-3).minimize(ae_loss)
    tf.train.AdamOptimizer(1e-3).minimize(dc_loss, var_list=dc_var)
    tf.train.AdamOptimizer(1e-3).minimize(_xent(tf, d_fake, True), var_list=en_var)
    return [[decoder_image], [z], [decoder_output]]


def conditional_vae(tf):
    """A CVAE: one code placeholder for pictures of given classes."""
    x = tf.placeholder(tf.float32, shape=[None, 64], name="target_img")
    x_hat = tf.placeholder(tf.float32, shape=[None, 64], name="input_img")
    y = tf.placeholder(tf.float32, shape=[None, 10], name="target_labels")
    keep_prob = tf.placeholder(tf.float32, name="keep_prob")
    z_in = tf.placeholder(tf.float32, shape=[None, 3], name="latent_variable")
    fack_id = tf.placeholder(tf.float32, shape=[None, 10], name="latent_ids")
    with tf.variable_scope("gaussian_MLP_encoder"):
        h = tf.nn.dropout(tf.layers.dense(tf.concat([x_hat, y], 1), 16, tf.nn.elu), keep_prob)
        gaussian = tf.layers.dense(h, 6)
        mean, stddev = gaussian[:, :3], 1e-6 + tf.nn.softplus(gaussian[:, 3:])

    def decoder(z, y, keep, reuse):
        with tf.variable_scope("bernoulli_MLP_decoder", reuse=reuse):
            h = tf.layers.dense(tf.concat([z, y], 1), 16, tf.nn.tanh, name="h")
            return tf.sigmoid(tf.layers.dense(tf.nn.dropout(h, keep), 64, name="y"))

    z = mean + stddev * tf.random_normal(tf.shape(mean), 0, 1, dtype=tf.float32)
    out = tf.clip_by_value(decoder(z, y, keep_prob, False), 1e-8, 1 - 1e-8)
    marginal = tf.reduce_sum(x * tf.log(out) + (1 - x) * tf.log(1 - out), 1)
    kl = 0.5 * tf.reduce_sum(mean**2 + stddev**2 - tf.log(1e-8 + stddev**2) - 1, 1)
    tf.train.AdamOptimizer(1e-3).minimize(-tf.reduce_mean(marginal) + tf.reduce_mean(kl))
    decoded = decoder(z_in, fack_id, 1.0, True)
    return [[decoded], [out]]
