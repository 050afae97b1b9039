"""Agents and makers, a third blind set: written after the second was mended (see `programs.py`)."""


def _scope(tf, name):
    return tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope=name)


def human_control(tf):
    """devsisters' DQN: the arg-max of Q, its target copied by placeholders."""
    s_t = tf.placeholder(tf.float32, [None, 20, 20, 4], name="s_t")

    def net(s, prefix):
        with tf.variable_scope(prefix):
            w1 = tf.get_variable("l1_w", [8, 8, 4, 8])
            b1 = tf.get_variable("l1_b", [8])
            l1 = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(s, w1, [1, 4, 4, 1], "VALID"), b1))
            flat = tf.reshape(l1, [-1, 128])
            w4, b4 = tf.get_variable("l4_w", [128, 16]), tf.get_variable("l4_b", [16])
            l4 = tf.nn.relu(tf.nn.bias_add(tf.matmul(flat, w4), b4))
            wq, bq = tf.get_variable("q_w", [16, 4]), tf.get_variable("q_b", [4])
            return tf.nn.bias_add(tf.matmul(l4, wq), bq)

    q = net(s_t, "prediction")
    q_action = tf.argmax(q, dimension=1)
    for i in range(4):
        tf.summary.histogram(f"q/{i}", tf.reduce_mean(q, 0)[i])
    target_s_t = tf.placeholder(tf.float32, [None, 20, 20, 4], name="target_s_t")
    target_q = net(target_s_t, "target")
    target_q_idx = tf.placeholder(tf.int32, [None, None], "outputs_idx")
    tf.gather_nd(target_q, target_q_idx)
    with tf.variable_scope("pred_to_target"):
        for v in tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, "target"):
            v.assign(tf.placeholder(tf.float32, v.shape, name=v.op.name.replace("/", "_")))
    with tf.variable_scope("optimizer"):
        target_q_t = tf.placeholder(tf.float32, [None], name="target_q_t")
        action = tf.placeholder(tf.int64, [None], name="action")
        q_acted = tf.reduce_sum(q * tf.one_hot(action, 4, 1.0, 0.0), axis=1, name="q_acted")
        delta = target_q_t - q_acted
        loss = tf.reduce_mean(
            tf.where(tf.abs(delta) < 1, 0.5 * tf.square(delta), tf.abs(delta) - 0.5), name="loss"
        )
        step = tf.placeholder(tf.int64, None, name="learning_rate_step")
        rate = tf.maximum(1e-4, tf.train.exponential_decay(1e-3, step, 5, 0.96, staircase=True))
        tf.train.RMSPropOptimizer(rate, momentum=0.95, epsilon=0.01).minimize(loss)
    return [[q_action, q]]


def two_estimators(tf):
    """dennybritz' continuous actor and critic: an action drawn, clipped; a value beside it."""
    with tf.variable_scope("policy_estimator"):
        state = tf.placeholder(tf.float32, [20], "state")
        target = tf.placeholder(tf.float32, name="target")
        mu = tf.squeeze(tf.layers.dense(tf.expand_dims(state, 0), 1))
        sigma = tf.squeeze(tf.layers.dense(tf.expand_dims(state, 0), 1))
        sigma = tf.nn.softplus(sigma) + 1e-5
        action = mu + sigma * tf.squeeze(tf.random_normal([1]))
        action = tf.clip_by_value(action, -2.0, 2.0)
        log_prob = -0.5 * tf.square((tf.stop_gradient(action) - mu) / sigma) - tf.log(sigma)
        loss = -log_prob * target - 1e-1 * (tf.log(sigma) + 1.4)
        tf.train.AdamOptimizer(0.01).minimize(loss)
    with tf.variable_scope("value_estimator"):
        v_state = tf.placeholder(tf.float32, [20], "state")
        v_target = tf.placeholder(tf.float32, name="target")
        value = tf.squeeze(tf.layers.dense(tf.expand_dims(v_state, 0), 1))
        v_loss = tf.squared_difference(value, v_target)
        tf.train.AdamOptimizer(0.1).minimize(v_loss)
    return [[action, mu], [value]]


def noisy_rainbow(tf):
    """Noisy dueling layers: noise in the weights, a mean taken off the advantages."""
    states = tf.placeholder(tf.float32, [None, 6], "states")
    actions = tf.placeholder(tf.int32, [None], "actions")
    returns = tf.placeholder(tf.float32, [None], "returns")
    isw = tf.placeholder(tf.float32, [None], "importance_weights")

    def noisy(x, n, name):
        with tf.variable_scope(name):
            m = int(x.shape[1])
            w, ws = tf.get_variable("w_mu", [m, n]), tf.get_variable("w_sigma", [m, n])
            b, bs = tf.get_variable("b_mu", [n]), tf.get_variable("b_sigma", [n])
            p, q = tf.random_normal([m, 1]), tf.random_normal([1, n])
            f = tf.sign(p) * tf.sqrt(tf.abs(p)) * tf.sign(q) * tf.sqrt(tf.abs(q))
            return tf.matmul(x, w + ws * f) + b + bs * tf.squeeze(q, 0)

    def net(x, scope):
        with tf.variable_scope(scope):
            h = tf.nn.relu(tf.layers.dense(x, 16, name="trunk"))
            v = noisy(tf.nn.relu(noisy(h, 8, "v1")), 1, "v2")
            a = noisy(tf.nn.relu(noisy(h, 8, "a1")), 3, "a2")
            return v + (a - tf.reduce_mean(a, axis=1, keepdims=True))

    q_eval = net(states, "online")
    net(states, "frozen")
    for t, e in zip(_scope(tf, "frozen"), _scope(tf, "online"), strict=True):
        tf.assign(t, e)
    picked = tf.reduce_sum(q_eval * tf.one_hot(actions, 3), 1)
    td = tf.abs(returns - picked)
    loss = tf.reduce_mean(isw * tf.square(td))
    tf.train.AdamOptimizer(6e-5).minimize(loss, var_list=_scope(tf, "online"))
    return [[q_eval]]


def agents_together(tf):
    """MADDPG, two agents: each policy sees its own, each critic sees all."""
    heads = []
    obs = [tf.placeholder(tf.float32, [None, 4], f"observation{i}") for i in range(2)]
    acts = [tf.placeholder(tf.float32, [None, 3], f"action{i}") for i in range(2)]
    targets = [tf.placeholder(tf.float32, [None], f"target{i}") for i in range(2)]

    def mlp(x, n, scope, reuse=False):
        with tf.variable_scope(scope, reuse=reuse):
            return tf.layers.dense(tf.layers.dense(x, 12, tf.nn.relu), n)

    for i in range(2):
        with tf.variable_scope(f"agent_{i}"):
            p = mlp(obs[i], 3, "p_func")
            u = tf.random_uniform(tf.shape(p))
            sample = tf.nn.softmax(p - tf.log(-tf.log(u)), axis=-1)
            joined = [sample if j == i else acts[j] for j in range(2)]
            q_pi = mlp(tf.concat(obs + joined, 1), 1, "q_func")[:, 0]
            q = mlp(tf.concat(obs + acts, 1), 1, "q_func", True)[:, 0]
            p_loss = -tf.reduce_mean(q_pi) + 1e-3 * tf.reduce_mean(tf.square(p))
            q_loss = tf.reduce_mean(tf.square(q - targets[i]))
            tf.train.AdamOptimizer(0.01).minimize(p_loss, var_list=_scope(tf, f"agent_{i}/p_func"))
            tf.train.AdamOptimizer(0.01).minimize(q_loss, var_list=_scope(tf, f"agent_{i}/q_func"))
            mlp(obs[i], 3, "target_p_func")
            heads.append([sample, p])
    return heads


def normalised_advantage(tf):
    """NAF: Q is a value less a parabola around mu; the action is mu."""
    x = tf.placeholder(tf.float32, [None, 4], name="observations")
    u = tf.placeholder(tf.float32, [None, 2], name="actions")
    y = tf.placeholder(tf.float32, [None], name="target_y")

    def net(scope):
        with tf.variable_scope(scope):
            h = tf.layers.dense(tf.layers.dense(x, 12, tf.nn.tanh), 12, tf.nn.tanh)
            V = tf.layers.dense(h, 1, name="V")
            mu = tf.layers.dense(h, 2, tf.nn.tanh, name="mu")
            low = tf.reshape(tf.layers.dense(h, 4, name="l"), [-1, 2, 2])
            L = tf.matrix_set_diag(
                tf.matrix_band_part(low, -1, 0), tf.exp(tf.matrix_diag_part(low))
            )
            diff = tf.expand_dims(u - mu, -1)
            P = tf.matmul(L, L, transpose_b=True)
            A = -0.5 * tf.matmul(tf.matmul(diff, P, transpose_a=True), diff)
            return mu, V, tf.squeeze(tf.reshape(A, [-1, 1]) + V, 1)

    mu, _, q = net("pred")
    net("target")
    loss = tf.reduce_mean(tf.squared_difference(y, q))
    tf.train.AdamOptimizer(1e-3).minimize(loss, var_list=_scope(tf, "pred"))
    return [[mu, mu.op.inputs[0]]]


def both_directions(tf):
    """BiGAN: pairs of pictures and codes, made or encoded."""
    x = tf.placeholder(tf.float32, [None, 64], "input_x")
    is_training = tf.placeholder(tf.bool, [], "is_training_pl")

    def E(x):
        with tf.variable_scope("encoder_model", reuse=tf.AUTO_REUSE):
            h = tf.layers.batch_normalization(tf.layers.dense(x, 16), training=is_training)
            return tf.layers.dense(tf.nn.leaky_relu(h), 6, name="fc")

    def G(z):
        with tf.variable_scope("generator_model", reuse=tf.AUTO_REUSE):
            return tf.layers.dense(
                tf.layers.dense(z, 16, tf.nn.relu, name="h"), 64, tf.nn.sigmoid, name="fc"
            )

    def D(z, x):
        with tf.variable_scope("discriminator_model", reuse=tf.AUTO_REUSE):
            h = tf.concat(
                [
                    tf.layers.dense(x, 12, tf.nn.leaky_relu, name="x"),
                    tf.layers.dense(z, 12, tf.nn.leaky_relu, name="z"),
                ],
                1,
            )
            return tf.layers.dense(h, 1, name="logits")

    z = tf.random_normal([8, 6])
    z_gen, x_gen = E(x), G(z)
    reconstruct = G(z_gen)
    l_enc, l_gen = D(z_gen, x), D(z, x_gen)

    def xent(logits, one):
        labels = tf.ones_like(logits) if one else tf.zeros_like(logits)
        return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits))

    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        tf.train.AdamOptimizer(1e-5).minimize(
            xent(l_enc, True) + xent(l_gen, False), var_list=_scope(tf, "discriminator_model")
        )
        tf.train.AdamOptimizer(1e-5).minimize(
            xent(l_gen, True), var_list=_scope(tf, "generator_model")
        )
        tf.train.AdamOptimizer(1e-5).minimize(
            xent(l_enc, False), var_list=_scope(tf, "encoder_model")
        )
    score = tf.reduce_sum(tf.abs(x - reconstruct), axis=1)
    return [[x_gen, x_gen.op.inputs[0]], [reconstruct], [z_gen], [score]]


def pixel_by_pixel(tf):
    """PixelCNN: masked convolutions, the chance of each pixel to be on."""
    inputs = tf.placeholder(tf.float32, [None, 16, 16, 1])

    def conv(x, n, k, mask, name):
        with tf.variable_scope(name):
            w = tf.get_variable("weights", [k, k, int(x.shape[-1]), n])
            m = tf.constant(
                [
                    [
                        float(i < k // 2 or (i == k // 2 and j < k // 2 + (mask == "B")))
                        for j in range(k)
                    ]
                    for i in range(k)
                ]
            )
            w = w * m[:, :, None, None]
            return tf.nn.bias_add(
                tf.nn.conv2d(x, w, [1] * 4, "SAME"), tf.get_variable("biases", [n])
            )

    v = conv(inputs, 8, 7, "A", "CONV_IN")
    for i in range(2):
        v = v + tf.nn.relu(conv(v, 8, 3, "B", f"CONV{i}"))
    logits = conv(tf.nn.relu(v), 1, 1, "B", "CONV_LOGITS")
    output = tf.nn.sigmoid(logits)
    loss = tf.reduce_mean(
        tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=inputs, name="loss")
    )
    opt = tf.train.RMSPropOptimizer(1e-3)
    clipped = [(tf.clip_by_value(g, -1, 1), v) for g, v in opt.compute_gradients(loss)]
    opt.apply_gradients(clipped)
    return [[output, logits]]


def drawn_in_strokes(tf):
    """DRAW without attention: a canvas, written to step after step."""
    x = tf.placeholder(tf.float32, shape=(8, 64))
    enc, dec = tf.nn.rnn_cell.LSTMCell(10), tf.nn.rnn_cell.LSTMCell(10)
    enc_state, dec_state = enc.zero_state(8, tf.float32), dec.zero_state(8, tf.float32)
    h_dec, cs, kls, reuse = tf.zeros((8, 10)), [], [], None

    def linear(v, n):
        w = tf.get_variable("w", [v.get_shape()[1], n])
        return tf.matmul(v, w) + tf.get_variable("b", [n], initializer=tf.constant_initializer(0.0))

    for t in range(3):
        c_prev = tf.zeros((8, 64)) if t == 0 else cs[t - 1]
        x_hat = x - tf.sigmoid(c_prev)
        with tf.variable_scope("encoder", reuse=reuse):
            h_enc, enc_state = enc(tf.concat([x, x_hat, h_dec], 1), enc_state)
        with tf.variable_scope("mu", reuse=reuse):
            mu = linear(h_enc, 4)
        with tf.variable_scope("sigma", reuse=reuse):
            logsigma = linear(h_enc, 4)
        z = mu + tf.exp(logsigma) * tf.random_normal((8, 4), mean=0, stddev=1)
        kls.append(0.5 * tf.reduce_sum(mu**2 + tf.exp(2 * logsigma) - 2 * logsigma, 1) - 0.5)
        with tf.variable_scope("decoder", reuse=reuse):
            h_dec, dec_state = dec(z, dec_state)
        with tf.variable_scope("write", reuse=reuse):
            cs.append(c_prev + linear(h_dec, 64))
        reuse = True
    x_recons = tf.nn.sigmoid(cs[-1])
    xent = -(x * tf.log(1e-8 + x_recons) + (1 - x) * tf.log(1e-8 + 1 - x_recons))
    cost = tf.reduce_mean(tf.reduce_sum(xent, 1)) + tf.reduce_mean(tf.add_n(kls))
    opt = tf.train.AdamOptimizer(1e-3, beta1=0.5)
    grads = opt.compute_gradients(cost)
    opt.apply_gradients([(tf.clip_by_norm(g, 5), v) for g, v in grads if g is not None])
    return [[x_recons, cs[-1]]]


def tensorpack_generator(tf):
    """A GAN in tensorpack's words: names by identity, images for the board."""
    with tf.name_scope("tower0"):
        image = tf.placeholder(tf.float32, [None, 16, 16, 3], "input")
        real = image / 128.0 - 1
        z = tf.random_uniform([8, 10], -1, 1, name="z_train")
        z = tf.placeholder_with_default(z, [None, 10], name="z")
    with tf.variable_scope("gen"):
        v = tf.nn.relu(tf.reshape(tf.layers.dense(z, 4 * 4 * 8, name="fc0"), [-1, 4, 4, 8]))
        v = tf.nn.relu(tf.layers.conv2d_transpose(v, 8, 4, 2, "same", name="deconv1"))
        v = tf.layers.conv2d_transpose(v, 3, 4, 2, "same", name="deconv3")
        image_gen = tf.tanh(v, name="gen")
    tf.summary.image("generated-samples", image_gen, max_outputs=3)

    def discriminator(x):
        with tf.variable_scope("discrim", reuse=tf.AUTO_REUSE):
            v = tf.nn.leaky_relu(tf.layers.conv2d(x, 8, 4, 2, name="conv0"))
            return tf.layers.dense(tf.layers.flatten(v), 1, name="fct")

    vecpos, vecneg = discriminator(real), discriminator(image_gen)
    sigmoid_pos, sigmoid_neg = tf.sigmoid(vecpos), tf.sigmoid(vecneg)
    tf.summary.histogram("sigmoid-real", sigmoid_pos)
    tf.summary.histogram("sigmoid-fake", sigmoid_neg)
    d_pos = tf.reduce_mean(
        tf.nn.sigmoid_cross_entropy_with_logits(logits=vecpos, labels=tf.ones_like(vecpos))
    )
    d_neg = tf.reduce_mean(
        tf.nn.sigmoid_cross_entropy_with_logits(logits=vecneg, labels=tf.zeros_like(vecneg))
    )
    g_loss = tf.reduce_mean(
        tf.nn.sigmoid_cross_entropy_with_logits(logits=vecneg, labels=tf.ones_like(vecneg)),
        name="g_loss",
    )
    tf.reduce_mean(tf.cast(sigmoid_pos > 0.5, tf.float32), name="accuracy_real")
    opt = tf.train.AdamOptimizer(2e-4, beta1=0.5)
    opt.minimize((d_pos + d_neg) * 0.5, var_list=_scope(tf, "discrim"))
    opt.minimize(g_loss, var_list=_scope(tf, "gen/"))
    return [[image_gen, v]]


def denoised_pictures(tf):
    """A convolutional autoencoder: noise in, the clean picture out."""
    inputs_ = tf.placeholder(tf.float32, (None, 28, 28, 1), name="inputs")
    targets_ = tf.placeholder(tf.float32, (None, 28, 28, 1), name="targets")
    v = tf.layers.conv2d(inputs_, 8, 3, padding="same", activation=tf.nn.relu)
    v = tf.layers.max_pooling2d(v, 2, 2, padding="same")
    v = tf.layers.conv2d(v, 4, 3, padding="same", activation=tf.nn.relu)
    encoded = tf.layers.max_pooling2d(v, 2, 2, padding="same")
    v = tf.image.resize_nearest_neighbor(encoded, (14, 14))
    v = tf.layers.conv2d(v, 4, 3, padding="same", activation=tf.nn.relu)
    v = tf.image.resize_nearest_neighbor(v, (28, 28))
    v = tf.layers.conv2d(v, 8, 3, padding="same", activation=tf.nn.relu)
    logits = tf.layers.conv2d(v, 1, 3, padding="same", activation=None)
    decoded = tf.nn.sigmoid(logits, name="decoded")
    loss = tf.nn.sigmoid_cross_entropy_with_logits(labels=targets_, logits=logits)
    tf.train.AdamOptimizer(0.001).minimize(tf.reduce_mean(loss))
    return [[decoded, logits]]
