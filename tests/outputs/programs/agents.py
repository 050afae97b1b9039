"""Agents: value and policy networks, with their twins (see `programs.py`)."""


def _net(tf, state, scope, collection, actions=4):
    names = [collection, tf.GraphKeys.GLOBAL_VARIABLES]
    with tf.variable_scope(scope):
        with tf.variable_scope("l1"):
            w1 = tf.get_variable("w1", [8, 20], collections=names)
            b1 = tf.get_variable("b1", [1, 20], collections=names)
            l1 = tf.nn.relu(tf.matmul(state, w1) + b1)
        with tf.variable_scope("l2"):
            w2 = tf.get_variable("w2", [20, actions], collections=names)
            b2 = tf.get_variable("b2", [1, actions], collections=names)
            return tf.matmul(l1, w2) + b2


def deep_q_twins(tf):
    s = tf.placeholder(tf.float32, [None, 8], name="s")
    q_target = tf.placeholder(tf.float32, [None, 4], name="Q_target")
    q_eval = _net(tf, s, "eval_net", "eval_net_params")
    with tf.variable_scope("loss"):
        loss = tf.reduce_mean(tf.squared_difference(q_target, q_eval))
    with tf.variable_scope("train"):
        tf.train.RMSPropOptimizer(0.01).minimize(
            loss, var_list=tf.get_collection("eval_net_params")
        )
    s_ = tf.placeholder(tf.float32, [None, 8], name="s_")
    _net(tf, s_, "target_net", "target_net_params")
    pairs = zip(*(tf.get_collection(f"{n}_net_params") for n in ("target", "eval")), strict=True)
    for t, e in pairs:
        tf.assign(t, e)
    return [[q_eval]]


def deep_q_in_one_graph(tf):
    s, s_ = (tf.placeholder(tf.float32, [None, 8], name=n) for n in ("s", "s_"))
    r = tf.placeholder(tf.float32, [None], name="r")
    a = tf.placeholder(tf.int32, [None], name="a")
    with tf.variable_scope("eval_net"):
        e1 = tf.layers.dense(s, 20, tf.nn.relu, name="e1")
        q_eval = tf.layers.dense(e1, 4, name="q")
    with tf.variable_scope("target_net"):
        t1 = tf.layers.dense(s_, 20, tf.nn.relu, name="t1")
        q_next = tf.layers.dense(t1, 4, name="t2")
    with tf.variable_scope("q_target"):
        q_target = tf.stop_gradient(r + 0.9 * tf.reduce_max(q_next, axis=1, name="Qmax_s_"))
    with tf.variable_scope("q_eval"):
        indices = tf.stack([tf.range(tf.shape(a)[0], dtype=tf.int32), a], axis=1)
        chosen = tf.gather_nd(params=q_eval, indices=indices)
    with tf.variable_scope("loss"):
        loss = tf.reduce_mean(tf.squared_difference(q_target, chosen, name="TD_error"))
    with tf.variable_scope("train"):
        tf.train.RMSPropOptimizer(0.01).minimize(loss)
    scopes = [
        tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, scope=n)
        for n in ("target_net", "eval_net/")
    ]
    with tf.variable_scope("soft_replacement"):
        for t, e in zip(*scopes, strict=False):
            tf.assign(t, e)
    return [[q_eval]]


def flappy_q(tf):
    def weight(shape):
        return tf.Variable(tf.truncated_normal(shape, stddev=0.01))

    s = tf.placeholder("float", [None, 40, 40, 4])
    conv = tf.nn.conv2d(s, weight([8, 8, 4, 16]), [1, 4, 4, 1], "SAME")
    h1 = tf.nn.relu(conv + tf.Variable(tf.constant(0.01, shape=[16])))
    flat = tf.reshape(tf.nn.max_pool(h1, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"), [-1, 400])
    h2 = tf.nn.relu(tf.matmul(flat, weight([400, 32])) + tf.Variable(tf.zeros([32])))
    readout = tf.matmul(h2, weight([32, 2])) + tf.Variable(tf.zeros([2]))
    a = tf.placeholder("float", [None, 2])
    y = tf.placeholder("float", [None])
    action = tf.reduce_sum(tf.multiply(readout, a), reduction_indices=1)
    tf.train.AdamOptimizer(1e-6).minimize(tf.reduce_mean(tf.square(y - action)))
    return [[readout]]


def dueling_q(tf):
    state = tf.placeholder(tf.float32, [None, 12], name="inputs")
    actions = tf.placeholder(tf.float32, [None, 3], name="actions")
    target = tf.placeholder(tf.float32, [None], name="target")
    with tf.variable_scope("DQNetwork"):
        hidden = tf.layers.dense(state, 30, tf.nn.elu, name="fc1")
        value = tf.layers.dense(hidden, 1, name="value")
        advantage = tf.layers.dense(hidden, 3, name="advantages")
        output = value + (advantage - tf.reduce_mean(advantage, axis=1, keepdims=True))
        q = tf.reduce_sum(tf.multiply(output, actions), axis=1)
        tf.abs(target - q, name="absolute_errors")
        loss = tf.reduce_mean(tf.squared_difference(target, q))
        tf.train.RMSPropOptimizer(0.001).minimize(loss)
    tf.summary.scalar("Loss", loss)
    return [[output]]


def policy_gradient(tf):
    with tf.name_scope("inputs"):
        obs = tf.placeholder(tf.float32, [None, 6], name="observations")
        acts = tf.placeholder(tf.int32, [None], name="actions_num")
        vt = tf.placeholder(tf.float32, [None], name="actions_value")
    layer = tf.layers.dense(obs, 10, tf.nn.tanh, name="fc1")
    all_act = tf.layers.dense(layer, 3, name="fc2")
    prob = tf.nn.softmax(all_act, name="act_prob")
    with tf.name_scope("loss"):
        neg = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=all_act, labels=acts)
        loss = tf.reduce_mean(neg * vt)
    with tf.name_scope("train"):
        tf.train.AdamOptimizer(0.01).minimize(loss)
    return [[prob, all_act]]


def actor_and_critic(tf):
    s = tf.placeholder(tf.float32, [None, 6], "state")
    a = tf.placeholder(tf.int32, [None], "act")
    td = tf.placeholder(tf.float32, [None], "td_error")
    v_ = tf.placeholder(tf.float32, [None, 1], "v_next")
    r = tf.placeholder(tf.float32, [None, 1], "r")
    with tf.variable_scope("Actor"):
        l1 = tf.layers.dense(s, 20, tf.nn.relu, name="l1")
        acts_prob = tf.layers.dense(l1, 3, tf.nn.softmax, name="acts_prob")
        with tf.variable_scope("exp_v"):
            log_prob = tf.log(tf.reduce_sum(acts_prob * tf.one_hot(a, 3), axis=1))
            exp_v = tf.reduce_mean(log_prob * td)
        with tf.variable_scope("train"):
            tf.train.AdamOptimizer(0.001).minimize(-exp_v)
    with tf.variable_scope("Critic"):
        l1 = tf.layers.dense(s, 20, tf.nn.relu, name="l1")
        v = tf.layers.dense(l1, 1, name="V")
        with tf.variable_scope("squared_TD_error"):
            loss = tf.square(r + 0.9 * v_ - v)
        with tf.variable_scope("train"):
            tf.train.AdamOptimizer(0.01).minimize(loss)
    return [[acts_prob, acts_prob.op.inputs[0]], [v]]


def deterministic_policy(tf):
    s, s_ = (tf.placeholder(tf.float32, [None, 5], n) for n in ("s", "s_"))
    r = tf.placeholder(tf.float32, [None, 1], "r")

    def actor(value, scope, trainable):
        with tf.variable_scope("Actor"), tf.variable_scope(scope):
            net = tf.layers.dense(value, 30, tf.nn.relu, name="l1", trainable=trainable)
            act = tf.layers.dense(net, 2, tf.nn.tanh, name="a", trainable=trainable)
            return tf.multiply(act, 2.0, name="scaled_a")

    def critic(value, action, scope, trainable):
        with tf.variable_scope("Critic"), tf.variable_scope(scope):
            w = tf.get_variable("w1_s", [5, 30], trainable=trainable)
            u = tf.get_variable("w1_a", [2, 30], trainable=trainable)
            b = tf.get_variable("b1", [1, 30], trainable=trainable)
            net = tf.nn.relu(tf.matmul(value, w) + tf.matmul(action, u) + b)
            return tf.layers.dense(net, 1, trainable=trainable)

    a = actor(s, "eval", True)
    a_ = actor(s_, "target", False)
    q, q_ = critic(s, a, "eval", True), critic(s_, a_, "target", False)
    sets = [
        tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, scope=f"{n}/{k}")
        for n in ("Actor", "Critic")
        for k in ("target", "eval")
    ]
    for t, e in [*zip(*sets[:2], strict=True), *zip(*sets[2:], strict=True)]:
        tf.assign(t, 0.99 * t + 0.01 * e)
    td_error = tf.losses.mean_squared_error(labels=r + 0.9 * q_, predictions=q)
    tf.train.AdamOptimizer(0.002).minimize(td_error, var_list=sets[3])
    tf.train.AdamOptimizer(0.001).minimize(-tf.reduce_mean(q), var_list=sets[1])
    return [[a, a.op.inputs[0]]]


def proximal_policy(tf):
    tfs = tf.placeholder(tf.float32, [None, 7], "state")
    discounted = tf.placeholder(tf.float32, [None, 1], "discounted_r")
    action = tf.placeholder(tf.float32, [None, 2], "action")
    advantage = tf.placeholder(tf.float32, [None, 1], "advantage")
    with tf.variable_scope("critic"):
        v = tf.layers.dense(tf.layers.dense(tfs, 40, tf.nn.relu), 1)
        closs = tf.reduce_mean(tf.square(discounted - v))
        tf.train.AdamOptimizer(0.0002).minimize(closs)

    def policy(name, trainable):
        with tf.variable_scope(name):
            l1 = tf.layers.dense(tfs, 40, tf.nn.relu, trainable=trainable)
            mu = 2 * tf.layers.dense(l1, 2, tf.nn.tanh, trainable=trainable)
            sigma = tf.layers.dense(l1, 2, tf.nn.softplus, trainable=trainable)
        variables = tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, scope=name)
        density = tf.exp(-tf.square((action - mu) / sigma) / 2) / sigma
        return mu, sigma, density, variables

    mu, sigma, density, variables = policy("pi", True)
    _, _, old, old_variables = policy("oldpi", False)
    with tf.variable_scope("sample_action"):
        noisy = mu + sigma * tf.random_normal(tf.shape(mu))
        sampled = tf.squeeze(noisy, axis=0)
    with tf.variable_scope("update_oldpi"):
        for new, past in zip(variables, old_variables, strict=True):
            past.assign(new)
    with tf.variable_scope("loss"):
        ratio = density / (old + 1e-5)
        clipped = tf.clip_by_value(ratio, 0.8, 1.2) * advantage
        aloss = -tf.reduce_mean(tf.minimum(ratio * advantage, clipped))
    with tf.variable_scope("atrain"):
        tf.train.AdamOptimizer(0.0001).minimize(aloss)
    return [[sampled, noisy, mu, mu.op.inputs[1]], [v]]


def workers(tf):
    """Asynchronous actors: a global network and copies, each with its own variables."""
    heads = []
    for name in ("global", "worker_0", "worker_1"):
        with tf.variable_scope(name):
            inputs = tf.placeholder(tf.float32, [None, 10])
            hidden = tf.layers.dense(inputs, 16, tf.nn.elu)
            policy = tf.layers.dense(hidden, 3, tf.nn.softmax)
            value = tf.layers.dense(hidden, 1)
            heads.append((policy, value))
            if name == "global":
                continue
            actions = tf.placeholder(tf.int32, [None])
            target, advantages = (tf.placeholder(tf.float32, [None]) for _ in range(2))
            chosen = tf.reduce_sum(policy * tf.one_hot(actions, 3), [1])
            value_loss = 0.5 * tf.reduce_sum(tf.square(target - tf.reshape(value, [-1])))
            entropy = -tf.reduce_sum(policy * tf.log(policy))
            policy_loss = -tf.reduce_sum(tf.log(chosen) * advantages)
            loss = 0.5 * value_loss + policy_loss - entropy * 0.01
            mine = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, name)
            gradients, _ = tf.clip_by_global_norm(tf.gradients(loss, mine), 40.0)
            master = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, "global")
            trainer = tf.train.AdamOptimizer(1e-4)
            trainer.apply_gradients(zip(gradients, master, strict=True))
    policies, values = zip(*heads, strict=True)
    return [[*policies, *(p.op.inputs[0] for p in policies)], list(values)]


def board_game(tf):
    states = tf.placeholder(tf.float32, [None, 4, 8, 8])
    value = tf.transpose(states, [0, 2, 3, 1])
    value = tf.layers.conv2d(value, 8, 3, padding="same", activation=tf.nn.relu)
    flat = tf.reshape(tf.layers.conv2d(value, 4, 1, activation=tf.nn.relu), [-1, 4 * 64])
    action_fc = tf.layers.dense(flat, 64, activation=tf.nn.log_softmax)
    flat2 = tf.reshape(tf.layers.conv2d(value, 2, 1, activation=tf.nn.relu), [-1, 2 * 64])
    evaluation = tf.layers.dense(
        tf.layers.dense(flat2, 16, activation=tf.nn.relu), 1, activation=tf.nn.tanh
    )
    labels = tf.placeholder(tf.float32, [None, 1])
    mcts_probs = tf.placeholder(tf.float32, [None, 64])
    value_loss = tf.losses.mean_squared_error(labels, evaluation)
    inner = tf.reduce_sum(tf.multiply(mcts_probs, action_fc), 1)
    policy_loss = tf.negative(tf.reduce_mean(inner))
    punish = 1e-4 * tf.add_n([tf.nn.l2_loss(v) for v in tf.trainable_variables()])
    rate = tf.placeholder(tf.float32)
    tf.train.AdamOptimizer(rate).minimize(value_loss + policy_loss + punish)
    tf.negative(tf.reduce_mean(tf.reduce_sum(tf.exp(action_fc) * action_fc, 1)))
    return [[action_fc, action_fc.op.inputs[0]], [evaluation, evaluation.op.inputs[0]]]
