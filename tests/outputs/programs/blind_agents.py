"""Agents by a second author, the truth written before the first count (see `programs.py`)."""


def ddpg_scaled_action(tf):
    """MorvanZhou's DDPG: the tanh times a bound is what `choose_action` fetches."""
    s = tf.placeholder(tf.float32, [None, 3], "s")
    r = tf.placeholder(tf.float32, [None, 1], "r")
    s_ = tf.placeholder(tf.float32, [None, 3], "s_")

    def build_a(s, scope, trainable):
        with tf.variable_scope(scope):
            net = tf.layers.dense(s, 30, tf.nn.relu, name="l1", trainable=trainable)
            a = tf.layers.dense(net, 1, tf.nn.tanh, name="a", trainable=trainable)
            return tf.multiply(a, 2.0, name="scaled_a")

    def build_c(s, a, scope, trainable):
        with tf.variable_scope(scope):
            w1_s = tf.get_variable("w1_s", [3, 30], trainable=trainable)
            w1_a = tf.get_variable("w1_a", [1, 30], trainable=trainable)
            b1 = tf.get_variable("b1", [1, 30], trainable=trainable)
            net = tf.nn.relu(tf.matmul(s, w1_s) + tf.matmul(a, w1_a) + b1)
            return tf.layers.dense(net, 1, trainable=trainable)

    with tf.variable_scope("Actor"):
        a = build_a(s, "eval", True)
        a_ = build_a(s_, "target", False)
    with tf.variable_scope("Critic"):
        q = build_c(s, a, "eval", True)
        q_ = build_c(s_, a_, "target", False)
    ae, at, ce, ct = (
        tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, scope=n)
        for n in ("Actor/eval", "Actor/target", "Critic/eval", "Critic/target")
    )
    for t, e in zip(at + ct, ae + ce, strict=True):
        tf.assign(t, 0.99 * t + 0.01 * e)
    td_error = tf.losses.mean_squared_error(labels=r + 0.9 * q_, predictions=q)
    tf.train.AdamOptimizer(0.002).minimize(td_error, var_list=ce)
    tf.train.AdamOptimizer(0.001).minimize(-tf.reduce_mean(q), var_list=ae)
    return [[a, a.op.inputs[0]]]


def _mlp(tf, x, sizes, activation=None, output_activation=None):
    for h in sizes[:-1]:
        x = tf.layers.dense(x, units=h, activation=activation)
    return tf.layers.dense(x, units=sizes[-1], activation=output_activation)


def soft_actor_critic(tf):
    """Spinning Up's SAC: `get_action` fetches mu or pi."""
    x, a, x2, r, d = (
        tf.placeholder(tf.float32, (None, n) if n else (None,)) for n in (4, 2, 4, None, None)
    )

    def actor_critic(x, a):
        with tf.variable_scope("pi"):
            net = _mlp(tf, x, (20, 20), tf.nn.relu, tf.nn.relu)
            mu = tf.layers.dense(net, 2)
            log_std = tf.layers.dense(net, 2, tf.tanh)
            log_std = -20 + 0.5 * 22 * (log_std + 1)
            std = tf.exp(log_std)
            pi = mu + tf.random_normal(tf.shape(mu)) * std
            pre = -0.5 * (((pi - mu) / (tf.exp(log_std) + 1e-8)) ** 2 + 2 * log_std + 1.8379)
            logp = tf.reduce_sum(pre, axis=1)
            mu, pi = tf.tanh(mu), tf.tanh(pi)
            logp -= tf.reduce_sum(tf.log(1 - pi**2 + 1e-6), axis=1)
        mu, pi = mu * 1.5, pi * 1.5

        def vf(x):
            return tf.squeeze(_mlp(tf, x, (20, 20, 1), tf.nn.relu), axis=1)

        with tf.variable_scope("q1"):
            q1 = vf(tf.concat([x, a], -1))
        with tf.variable_scope("q1", reuse=True):
            q1_pi = vf(tf.concat([x, pi], -1))
        with tf.variable_scope("q2"):
            q2 = vf(tf.concat([x, a], -1))
        with tf.variable_scope("q2", reuse=True):
            q2_pi = vf(tf.concat([x, pi], -1))
        with tf.variable_scope("v"):
            v = vf(x)
        return mu, pi, logp, q1, q2, q1_pi, q2_pi, v

    with tf.variable_scope("main"):
        mu, pi, logp, q1, q2, q1_pi, q2_pi, v = actor_critic(x, a)
    with tf.variable_scope("target"):
        v_targ = actor_critic(x2, a)[-1]
    q_backup = tf.stop_gradient(r + 0.99 * (1 - d) * v_targ)
    v_backup = tf.stop_gradient(tf.minimum(q1_pi, q2_pi) - 0.2 * logp)
    pi_loss = tf.reduce_mean(0.2 * logp - q1_pi)
    value_loss = sum(0.5 * tf.reduce_mean((b - y) ** 2) for b, y in
                     ((q_backup, q1), (q_backup, q2), (v_backup, v)))  # fmt: skip

    def get_vars(scope):
        return [each for each in tf.global_variables() if scope in each.name]

    train_pi = tf.train.AdamOptimizer(1e-3).minimize(pi_loss, var_list=get_vars("main/pi"))
    with tf.control_dependencies([train_pi]):
        params = get_vars("main/q") + get_vars("main/v")
        tf.train.AdamOptimizer(1e-3).minimize(value_loss, var_list=params)
    for v_main, v_target in zip(get_vars("main"), get_vars("target"), strict=False):
        tf.assign(v_target, 0.995 * v_target + 0.005 * v_main)
    return [[mu, mu.op.inputs[0]], [pi, pi.op.inputs[0]]]


def asynchronous_workers(tf):
    """MorvanZhou's A3C, discrete: a worker fetches `a_prob`."""

    def network(scope):
        with tf.variable_scope(scope):
            s = tf.placeholder(tf.float32, [None, 4], "S")
            with tf.variable_scope("actor"):
                l_a = tf.layers.dense(s, 20, tf.nn.relu6, name="la")
                a_prob = tf.layers.dense(l_a, 2, tf.nn.softmax, name="ap")
            with tf.variable_scope("critic"):
                l_c = tf.layers.dense(s, 10, tf.nn.relu6, name="lc")
                v = tf.layers.dense(l_c, 1, name="v")
        of = [
            tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope=f"{scope}/{n}")
            for n in ("actor", "critic")
        ]
        return s, a_prob, v, of[0], of[1]

    opt_a = tf.train.RMSPropOptimizer(0.001, name="RMSPropA")
    opt_c = tf.train.RMSPropOptimizer(0.001, name="RMSPropC")
    _, first, value, ga, gc = network("Global_Net")
    heads = [[first, first.op.inputs[0]], [value]]
    for i in range(2):
        scope = f"W_{i}"
        _, a_prob, v, a_params, c_params = network(scope)
        with tf.name_scope(scope):
            a_his = tf.placeholder(tf.int32, [None], "A")
            v_target = tf.placeholder(tf.float32, [None, 1], "Vtarget")
            td = tf.subtract(v_target, v, name="TD_error")
            with tf.name_scope("c_loss"):
                c_loss = tf.reduce_mean(tf.square(td))
            with tf.name_scope("a_loss"):
                log_prob = tf.reduce_sum(
                    tf.log(a_prob + 1e-5) * tf.one_hot(a_his, 2), axis=1, keep_dims=True
                )
                exp_v = log_prob * tf.stop_gradient(td)
                entropy = -tf.reduce_sum(a_prob * tf.log(a_prob + 1e-5), axis=1, keep_dims=True)
                a_loss = tf.reduce_mean(-(0.001 * entropy + exp_v))
            a_grads = tf.gradients(a_loss, a_params)
            c_grads = tf.gradients(c_loss, c_params)
            with tf.name_scope("sync"):
                for mine, theirs in zip(a_params + c_params, ga + gc, strict=True):
                    mine.assign(theirs)
                opt_a.apply_gradients(zip(a_grads, ga, strict=True))
                opt_c.apply_gradients(zip(c_grads, gc, strict=True))
        heads[0] += [a_prob, a_prob.op.inputs[0]]
        heads[1] += [v]
    return heads


def clipped_policy(tf):
    """A continuous PPO: the sampled action, or the mean that it is drawn around."""
    tfs = tf.placeholder(tf.float32, [None, 3], "state")
    with tf.variable_scope("critic"):
        l1 = tf.layers.dense(tfs, 30, tf.nn.relu)
        v = tf.layers.dense(l1, 1)
        tfdc_r = tf.placeholder(tf.float32, [None, 1], "discounted_r")
        advantage = tfdc_r - v
        tf.train.AdamOptimizer(0.0002).minimize(tf.reduce_mean(tf.square(advantage)))

    def build_anet(name, trainable):
        with tf.variable_scope(name):
            l1 = tf.layers.dense(tfs, 30, tf.nn.relu, trainable=trainable)
            mu = 2 * tf.layers.dense(l1, 1, tf.nn.tanh, trainable=trainable)
            sigma = tf.layers.dense(l1, 1, tf.nn.softplus, trainable=trainable)
        return mu, sigma, tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, scope=name)

    mu, sigma, pi_params = build_anet("pi", True)
    old_mu, old_sigma, oldpi_params = build_anet("oldpi", False)
    with tf.variable_scope("sample_action"):
        sample = tf.squeeze(mu + sigma * tf.random_normal([1, tf.shape(mu)[0], 1]), axis=0)
    with tf.variable_scope("update_oldpi"):
        for p, oldp in zip(pi_params, oldpi_params, strict=True):
            oldp.assign(p)
    tfa = tf.placeholder(tf.float32, [None, 1], "action")
    tfadv = tf.placeholder(tf.float32, [None, 1], "advantage")

    def prob(mu, sigma):
        return tf.exp(-0.5 * tf.square((tfa - mu) / sigma)) / (sigma * 2.5066)

    with tf.variable_scope("loss"):
        with tf.variable_scope("surrogate"):
            ratio = prob(mu, sigma) / prob(old_mu, old_sigma)
            surr = ratio * tfadv
        clipped = tf.clip_by_value(ratio, 0.8, 1.2) * tfadv
        aloss = -tf.reduce_mean(tf.minimum(surr, clipped))
    with tf.variable_scope("atrain"):
        tf.train.AdamOptimizer(0.0001).minimize(aloss)
    return [[sample], [mu, mu.op.inputs[1]]]


def act_and_train_models(tf):
    """Baselines' PPO2: one model to act, a copy with another batch to train."""

    def policy(nbatch, reuse):
        x = tf.placeholder(tf.uint8, [nbatch, 20, 20, 4], name="Ob")
        with tf.variable_scope("model", reuse=reuse):
            h = tf.nn.relu(tf.layers.conv2d(tf.cast(x, tf.float32) / 255.0, 8, 5, 2, name="c1"))
            h = tf.layers.dense(tf.layers.flatten(h), 16, tf.nn.relu, name="fc1")
            pi = tf.layers.dense(h, 3, name="pi")
            vf = tf.layers.dense(h, 1, name="v")[:, 0]
        u = tf.random_uniform(tf.shape(pi))
        a0 = tf.argmax(pi - tf.log(-tf.log(u)), axis=-1)
        neglogp0 = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=pi, labels=a0)
        return pi, vf, a0, neglogp0

    act_pi, act_vf, a0, _ = policy(4, False)
    pi, vf, _, _ = policy(16, True)
    actions = tf.placeholder(tf.int64, [None])
    adv, returns, old, oldv = (tf.placeholder(tf.float32, [None]) for _ in range(4))
    rate = tf.placeholder(tf.float32, [])
    cliprange = tf.placeholder(tf.float32, [])
    neglogpac = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=pi, labels=actions)
    vpredclipped = oldv + tf.clip_by_value(vf - oldv, -cliprange, cliprange)
    vf_loss = 0.5 * tf.reduce_mean(
        tf.maximum(tf.square(vf - returns), tf.square(vpredclipped - returns))
    )
    ratio = tf.exp(old - neglogpac)
    pg_losses2 = -adv * tf.clip_by_value(ratio, 1.0 - cliprange, 1.0 + cliprange)
    pg_loss = tf.reduce_mean(tf.maximum(-adv * ratio, pg_losses2))
    params = tf.trainable_variables()
    grads, _ = tf.clip_by_global_norm(tf.gradients(pg_loss + vf_loss * 0.5, params), 0.5)
    tf.train.AdamOptimizer(rate, epsilon=1e-5).apply_gradients(zip(grads, params, strict=True))
    return [[a0, act_pi], [act_vf]]


def epsilon_greedy(tf):
    """Baselines' deepq: `act` fetches the action that a cond chooses."""

    def q_func(obs, scope, reuse=False):
        with tf.variable_scope(scope, reuse=reuse):
            h = tf.layers.dense(obs, 24, tf.nn.relu, name="h")
            state = tf.layers.dense(h, 1, name="state_value")
            scores = tf.layers.dense(h, 3, name="action_value")
            return state + scores - tf.expand_dims(tf.reduce_mean(scores, 1), 1)

    with tf.variable_scope("deepq"):
        obs = tf.placeholder(tf.float32, [None, 6], name="observation")
        stochastic = tf.placeholder(tf.bool, (), name="stochastic")
        update_eps = tf.placeholder(tf.float32, (), name="update_eps")
        eps = tf.get_variable("eps", (), initializer=tf.constant_initializer(0), trainable=False)
        q_values = q_func(obs, "q_func")
        deterministic = tf.argmax(q_values, axis=1)
        batch = tf.shape(obs)[0]
        rand = tf.random_uniform(tf.stack([batch]), minval=0, maxval=3, dtype=tf.int64)
        chose = tf.random_uniform(tf.stack([batch]), minval=0, maxval=1) < eps
        output = tf.cond(
            stochastic, lambda: tf.where(chose, rand, deterministic), lambda: deterministic
        )
        tf.assign(eps, tf.cond(update_eps >= 0, lambda: update_eps, lambda: eps))
        act = tf.placeholder(tf.int32, [None], name="action")
        rew = tf.placeholder(tf.float32, [None], name="reward")
        obs1 = tf.placeholder(tf.float32, [None, 6], name="obs_tp1")
        done = tf.placeholder(tf.float32, [None], name="done")
        weights = tf.placeholder(tf.float32, [None], name="weight")
        q_t = q_func(obs, "q_func", reuse=True)
        q_tp1 = q_func(obs1, "target_q_func")
        chosen = tf.reduce_sum(q_t * tf.one_hot(act, 3), 1)
        double = tf.argmax(q_func(obs1, "q_func", reuse=True), 1)
        best = tf.reduce_sum(q_tp1 * tf.one_hot(double, 3), 1)
        td = chosen - tf.stop_gradient(rew + 0.99 * (1.0 - done) * best)
        huber = tf.where(tf.abs(td) < 1.0, tf.square(td) * 0.5, tf.abs(td) - 0.5)
        q_vars = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope="deepq/q_func")
        tf.train.AdamOptimizer(5e-4).minimize(tf.reduce_mean(weights * huber), var_list=q_vars)
    return [[output, deterministic, q_values]]


def distributional_q(tf):
    """C51: probabilities of atoms, their means, the best action."""
    x = tf.placeholder(tf.float32, [None, 4], name="state_ph")
    action = tf.placeholder(tf.int32, [None], name="action_ph")
    m = tf.placeholder(tf.float32, [None, 11], name="m")
    support = tf.constant([i / 5.0 for i in range(11)], tf.float32)

    def build(scope):
        with tf.variable_scope(scope):
            h = tf.layers.dense(x, 24, tf.nn.relu)
            logits = tf.reshape(tf.layers.dense(h, 2 * 11), [-1, 2, 11])
            probs = tf.nn.softmax(logits, axis=2)
            return probs, tf.reduce_sum(support * probs, axis=2)

    probs, q = build("main")
    build("target")
    best = tf.argmax(q, axis=1)
    chosen = tf.gather_nd(probs, tf.stack([tf.range(tf.shape(x)[0]), action], axis=1))
    loss = -tf.reduce_mean(tf.reduce_sum(m * tf.log(chosen + 1e-8), axis=1))
    main = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, "main")
    tf.train.AdamOptimizer(1e-3).minimize(loss, var_list=main)
    target = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, "target")
    tf.group(*[t.assign(v) for t, v in zip(target, main, strict=True)])
    return [[best, q, probs]]


def recurrent_q(tf):
    """Juliani's DRQN: `predict` of the main network, a second one only for targets."""
    cells = [tf.nn.rnn_cell.BasicLSTMCell(12, state_is_tuple=True) for _ in range(2)]

    def network(cell, scope):
        flat = tf.placeholder(tf.float32, [None, 300])
        image = tf.reshape(flat, [-1, 10, 10, 3])
        conv = tf.layers.conv2d(image, 12, 10, name=scope + "_conv4")
        train_length = tf.placeholder(tf.int32)
        batch_size = tf.placeholder(tf.int32, [])
        seq = tf.reshape(tf.layers.flatten(conv), [batch_size, train_length, 12])
        state = cell.zero_state(batch_size, tf.float32)
        rnn, _ = tf.nn.dynamic_rnn(cell, seq, initial_state=state, scope=scope + "_rnn")
        rnn = tf.reshape(rnn, [-1, 12])
        stream_a, stream_v = tf.split(rnn, 2, 1)
        aw = tf.Variable(tf.random_normal([6, 4]))
        vw = tf.Variable(tf.random_normal([6, 1]))
        advantage = tf.matmul(stream_a, aw)
        value = tf.matmul(stream_v, vw)
        qout = value + (advantage - tf.reduce_mean(advantage, axis=1, keep_dims=True))
        predict = tf.argmax(qout, 1)
        target_q = tf.placeholder(tf.float32, [None])
        actions = tf.placeholder(tf.int32, [None])
        q = tf.reduce_sum(qout * tf.one_hot(actions, 4), axis=1)
        td_error = tf.square(target_q - q)
        half = tf.shape(td_error)[0] // 2
        mask = tf.concat([tf.zeros([half]), tf.ones([half])], 0)
        loss = tf.reduce_mean(td_error * mask)
        tf.train.AdamOptimizer(0.0001).minimize(loss)
        return predict, qout

    first = network(cells[0], "main")
    network(cells[1], "target")
    trainables = tf.trainable_variables()
    half = len(trainables) // 2
    for v, t in zip(trainables[:half], trainables[half:], strict=True):
        t.assign(v * 0.001 + 0.999 * t)
    return [list(first)]


def contextual_bandit(tf):
    state_in = tf.placeholder(shape=[1], dtype=tf.int32)
    oh = tf.one_hot(state_in, 3)
    output = tf.layers.dense(
        oh, 4, tf.nn.sigmoid, use_bias=False, kernel_initializer=tf.ones_initializer()
    )
    flat = tf.reshape(output, [-1])
    chosen_action = tf.argmax(flat, 0)
    reward_holder = tf.placeholder(shape=[1], dtype=tf.float32)
    action_holder = tf.placeholder(shape=[1], dtype=tf.int32)
    weight = tf.slice(flat, action_holder, [1])
    loss = -(tf.log(weight) * reward_holder)
    tf.train.GradientDescentOptimizer(learning_rate=0.001).minimize(loss)
    return [[chosen_action, flat, output]]
