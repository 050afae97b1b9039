"""A tenth blind set, of generators and agents: written before the rules of its time were read."""


def grown_progressively(tf):
    """A generator that fades new layers in, a critic with penalty, moving averages of weights."""
    z = tf.placeholder(tf.float32, [None, 16], "latents")
    real = tf.placeholder(tf.float32, [None, 8, 8, 3], "reals")
    alpha = tf.placeholder(tf.float32, [], "lod_alpha")

    def generator(latent):
        with tf.variable_scope("G", reuse=tf.AUTO_REUSE):
            h = tf.reshape(tf.layers.dense(latent, 4 * 4 * 8, name="d"), [-1, 4, 4, 8])
            low = tf.layers.conv2d(h, 3, 1, name="torgb_4")
            big = tf.image.resize_nearest_neighbor(h, [8, 8])
            h = tf.nn.leaky_relu(tf.layers.conv2d(big, 8, 3, padding="same", name="c8"))
            high = tf.layers.conv2d(h, 3, 1, name="torgb_8")
            return alpha * high + (1 - alpha) * tf.image.resize_nearest_neighbor(low, [8, 8])

    def critic(image):
        with tf.variable_scope("D", reuse=tf.AUTO_REUSE):
            h = tf.nn.leaky_relu(tf.layers.conv2d(image, 8, 3, 2, "same", name="c"))
            return tf.layers.dense(tf.layers.flatten(h), 1, name="score")

    fake = generator(z)
    d_real, d_fake = critic(real), critic(fake)
    mixed = real + tf.random_uniform([tf.shape(real)[0], 1, 1, 1]) * (fake - real)
    slope = tf.sqrt(tf.reduce_sum(tf.square(tf.gradients(critic(mixed), mixed)[0]), [1, 2, 3]))
    d_loss = tf.reduce_mean(d_fake - d_real) + 10 * tf.reduce_mean(tf.square(slope - 1))
    d_loss += 1e-3 * tf.reduce_mean(tf.square(d_real))
    g_loss = -tf.reduce_mean(d_fake)
    own = lambda scope: tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope)  # noqa: E731
    tf.train.AdamOptimizer(1e-3, 0.0).minimize(d_loss, var_list=own("D"))
    train = tf.train.AdamOptimizer(1e-3, 0.0).minimize(g_loss, var_list=own("G"))
    with tf.control_dependencies([train]):
        tf.train.ExponentialMovingAverage(0.999).apply(own("G"))
    return [[fake]]


def spinning_up(tf):
    """PPO as students write it: mean and deviation, a value, old log probabilities fed."""
    x, a = tf.placeholder(tf.float32, (None, 11)), tf.placeholder(tf.float32, (None, 3))
    adv, ret = tf.placeholder(tf.float32, (None,)), tf.placeholder(tf.float32, (None,))
    old = tf.placeholder(tf.float32, (None,))

    def mlp(h, sizes):
        for size in sizes[:-1]:
            h = tf.layers.dense(h, size, tf.tanh)
        return tf.layers.dense(h, sizes[-1])

    def likelihood(value, mu, log_std):
        found = -0.5 * (((value - mu) / (tf.exp(log_std) + 1e-8)) ** 2 + 2 * log_std + 1.837877)
        return tf.reduce_sum(found, 1)

    with tf.variable_scope("pi"):
        mu = mlp(x, [16, 3])
        log_std = tf.get_variable("log_std", initializer=[-0.5, -0.5, -0.5])
        pi = mu + tf.random_normal(tf.shape(mu)) * tf.exp(log_std)
        logp, logp_pi = likelihood(a, mu, log_std), likelihood(pi, mu, log_std)
    with tf.variable_scope("v"):
        v = tf.squeeze(mlp(x, [16, 1]), axis=1)
    ratio = tf.exp(logp - old)
    least = tf.where(adv > 0, 1.2 * adv, 0.8 * adv)
    pi_loss = -tf.reduce_mean(tf.minimum(ratio * adv, least))
    v_loss = tf.reduce_mean((ret - v) ** 2)
    tf.reduce_mean(old - logp)
    tf.reduce_mean(-logp)
    tf.reduce_mean(tf.cast(tf.logical_or(ratio > 1.2, ratio < 0.8), tf.float32))
    tf.train.AdamOptimizer(3e-4).minimize(pi_loss)
    tf.train.AdamOptimizer(1e-3).minimize(v_loss)
    return [[pi, mu], [v], [logp_pi]]


def mixed_values(tf):
    """QMIX: values of agents, joined by weights that the state makes; targets copied."""
    obs = tf.placeholder(tf.float32, [None, 3, 8], "obs")
    after = tf.placeholder(tf.float32, [None, 3, 8], "next_obs")
    state, next_state = (
        tf.placeholder(tf.float32, [None, 6], "s"),
        tf.placeholder(tf.float32, [None, 6], "s_"),
    )
    action = tf.placeholder(tf.int32, [None, 3], "a")
    reward = tf.placeholder(tf.float32, [None, 1], "r")

    def agents(o, scope):
        with tf.variable_scope(scope):
            return tf.layers.dense(tf.layers.dense(o, 16, tf.nn.relu), 5)

    def mixer(q, s, scope):
        with tf.variable_scope(scope):
            w1 = tf.reshape(tf.abs(tf.layers.dense(s, 3 * 4)), [-1, 3, 4])
            h = tf.nn.elu(
                tf.matmul(tf.expand_dims(q, 1), w1) + tf.expand_dims(tf.layers.dense(s, 4), 1)
            )
            w2 = tf.expand_dims(tf.abs(tf.layers.dense(s, 4)), 2)
            return tf.squeeze(tf.matmul(h, w2), 1) + tf.layers.dense(s, 1)

    q = agents(obs, "eval_agents")
    chosen = tf.reduce_sum(q * tf.one_hot(action, 5), 2)
    total = mixer(chosen, state, "eval_mixer")
    best = tf.reduce_max(agents(after, "target_agents"), 2)
    target = tf.stop_gradient(reward + 0.99 * mixer(best, next_state, "target_mixer"))
    loss = tf.reduce_mean(tf.squared_difference(target, total))
    own = lambda scope: tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, scope)  # noqa: E731
    for part in ("agents", "mixer"):
        for old, new in zip(own(f"target_{part}"), own(f"eval_{part}"), strict=True):
            tf.assign(old, new)
    tf.train.RMSPropOptimizer(5e-4).minimize(loss)
    return [[q]]


def goals_in_hindsight(tf):
    """DDPG on goals: normalised states, actions with bounds, target nets by averages."""
    o, g = tf.placeholder(tf.float32, [None, 10], "o"), tf.placeholder(tf.float32, [None, 3], "g")
    o2, u = (
        tf.placeholder(tf.float32, [None, 10], "o_2"),
        tf.placeholder(tf.float32, [None, 4], "u"),
    )
    r = tf.placeholder(tf.float32, [None, 1], "r")
    mean = tf.get_variable(
        "o_stats/mean", [10], trainable=False, initializer=tf.zeros_initializer()
    )
    std = tf.get_variable("o_stats/std", [10], trainable=False, initializer=tf.ones_initializer())

    def nets(obs, action, scope):
        with tf.variable_scope(scope):
            seen = tf.concat([tf.clip_by_value((obs - mean) / std, -5, 5), g], 1)
            with tf.variable_scope("pi"):
                pi = tf.tanh(tf.layers.dense(tf.layers.dense(seen, 16, tf.nn.relu), 4)) * 1.0
            with tf.variable_scope("Q") as q:
                value = lambda a: tf.layers.dense(  # noqa: E731
                    tf.layers.dense(tf.concat([seen, a], 1), 16, tf.nn.relu, name="h"), 1, name="q"
                )
                of_pi = value(pi)
                q.reuse_variables()
                return pi, of_pi, value(action)

    pi, q_pi, q = nets(o, u, "main")
    _, q2, _ = nets(o2, u, "target")
    target = tf.clip_by_value(r + 0.98 * q2, -50.0, 0.0)
    q_loss = tf.reduce_mean(tf.square(tf.stop_gradient(target) - q))
    pi_loss = -tf.reduce_mean(q_pi) + tf.reduce_mean(tf.square(pi))
    own = lambda scope: tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope)  # noqa: E731
    tf.train.AdamOptimizer(1e-3).minimize(q_loss, var_list=own("main/Q"))
    tf.train.AdamOptimizer(1e-3).minimize(pi_loss, var_list=own("main/pi"))
    for old, new in zip(own("target"), own("main"), strict=True):
        old.assign(0.95 * old + 0.05 * new)
    return [[pi], [q_pi]]


def corrected_off_policy(tf):
    """IMPALA: unrolled logits of the learner, behaviour's logits fed, values and v-traces."""
    frames = tf.placeholder(tf.float32, [5, 4, 12], "observations")
    behaviour = tf.placeholder(tf.float32, [5, 4, 6], "behaviour_logits")
    actions = tf.placeholder(tf.int32, [5, 4], "actions")
    rewards = tf.placeholder(tf.float32, [5, 4], "rewards")
    h = tf.layers.dense(frames, 16, tf.nn.relu)
    out, _ = tf.nn.dynamic_rnn(tf.nn.rnn_cell.LSTMCell(8), h, time_major=True, dtype=tf.float32)
    logits = tf.layers.dense(out, 6, name="policy_logits")
    value = tf.squeeze(tf.layers.dense(out, 1, name="baseline"), 2)
    drawn = tf.reshape(tf.multinomial(tf.reshape(logits, [-1, 6]), 1), [5, 4], name="action")

    def log_prob(of):
        return -tf.nn.sparse_softmax_cross_entropy_with_logits(labels=actions, logits=of)

    rho = tf.minimum(1.0, tf.exp(log_prob(logits) - log_prob(behaviour)))
    after = tf.concat([value[1:], value[-1:]], 0)
    delta = tf.stop_gradient(rho * (rewards + 0.99 * after - value))
    vs = tf.scan(lambda acc, d: d + 0.99 * acc, delta, tf.zeros([4]), reverse=True)
    advantage = tf.stop_gradient(rho * (rewards + 0.99 * (vs + value) - value))
    pg = -tf.reduce_sum(log_prob(logits) * advantage)
    base = 0.5 * tf.reduce_sum(tf.square(tf.stop_gradient(vs + value) - value))
    policy = tf.nn.softmax(logits)
    entropy = tf.reduce_sum(policy * tf.nn.log_softmax(logits))
    tf.train.RMSPropOptimizer(6e-4).minimize(pg + base + 0.01 * entropy)
    return [[drawn, logits, policy], [value]]
