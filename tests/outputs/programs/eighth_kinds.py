"""An eighth blind set, of kinds that no other set has: written after the seventh was mended."""


def _scoped(tf, name):
    return tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope=name)


def acting_and_training_models(tf):
    """PPO2: an act model and a train model that share weights, actions by Gumbel noise."""

    def policy(x, n):
        with tf.variable_scope("ppo2_model", reuse=tf.AUTO_REUSE):
            h = tf.tanh(tf.layers.dense(x, 16, name="pi_fc1"))
            pi = tf.layers.dense(h, 3, name="pi")
            g = tf.tanh(tf.layers.dense(x, 16, name="vf_fc1"))
            return pi, tf.layers.dense(g, 1, name="vf")[:, 0]

    act_ob = tf.placeholder(tf.float32, [1, 8], "Ob")
    pi, v = policy(act_ob, 1)
    u = tf.random_uniform(tf.shape(pi))
    action = tf.argmax(pi - tf.log(-tf.log(u)), axis=-1)
    neglogp = tf.nn.softmax_cross_entropy_with_logits_v2(labels=tf.one_hot(action, 3), logits=pi)
    ob = tf.placeholder(tf.float32, [32, 8], "Ob")
    A, ADV = tf.placeholder(tf.int32, [32], "A"), tf.placeholder(tf.float32, [32], "ADV")
    R, OLDV = tf.placeholder(tf.float32, [32]), tf.placeholder(tf.float32, [32])
    OLDNEG, LR = tf.placeholder(tf.float32, [32]), tf.placeholder(tf.float32, [])
    t_pi, t_v = policy(ob, 32)
    neg = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=A, logits=t_pi)
    clipped = OLDV + tf.clip_by_value(t_v - OLDV, -0.2, 0.2)
    vf_loss = tf.reduce_mean(tf.maximum(tf.square(t_v - R), tf.square(clipped - R)))
    ratio = tf.exp(OLDNEG - neg)
    loss = tf.reduce_mean(tf.maximum(-ADV * ratio, -ADV * tf.clip_by_value(ratio, 0.8, 1.2)))
    params = _scoped(tf, "ppo2_model")
    grads, _ = tf.clip_by_global_norm(tf.gradients(loss + 0.5 * vf_loss, params), 0.5)
    tf.train.AdamOptimizer(LR, epsilon=1e-5).apply_gradients(zip(grads, params, strict=True))
    return [[action, pi], [v], [neglogp]]


def brains_of_agents(tf):
    """A continuous brain of a game engine: action and value named for the engine."""
    s = tf.placeholder(tf.float32, [None, 10], "vector_observation")
    eps = tf.placeholder(tf.float32, [None, 2], "epsilon")
    h = s
    for i in range(2):
        h = tf.layers.dense(h, 16, lambda x: x * tf.sigmoid(x), name=f"main_graph_0/hidden_{i}")
    mu = tf.layers.dense(h, 2, name="mu")
    log_sigma = tf.get_variable("log_sigma_squared", [2])
    sigma = tf.exp(log_sigma)
    pre = mu + tf.sqrt(sigma) * eps
    clipped = tf.clip_by_value(pre, -3, 3) / 3
    action = tf.identity(clipped, name="action")
    taken = tf.stop_gradient(pre)
    logp = -0.5 * tf.square(taken - mu) / sigma - 0.5 * tf.log(6.2831853 * sigma)
    tf.identity(logp, name="action_probs")
    value = tf.identity(tf.layers.dense(h, 1), name="value_estimate")
    old = tf.placeholder(tf.float32, [None, 2], "old_probabilities")
    adv = tf.placeholder(tf.float32, [None, 1], "advantages")
    ret = tf.placeholder(tf.float32, [None], "discounted_rewards")
    ratio = tf.exp(logp - old)
    p = -tf.reduce_mean(tf.minimum(ratio * adv, tf.clip_by_value(ratio, 0.8, 1.2) * adv))
    loss = p + tf.reduce_mean(tf.squared_difference(ret, tf.reduce_sum(value, axis=1)))
    tf.train.AdamOptimizer(3e-4).minimize(loss)
    return [[action, clipped], [value]]


def contrasted_views(tf):
    """SimCLR: two views in one batch, a projection for the loss, features kept for later."""
    x = tf.placeholder(tf.float32, [16, 32, 32, 3], "views")
    with tf.variable_scope("base_model"):
        h = tf.layers.conv2d(x, 8, 3, 4, activation=tf.nn.relu)
        h = tf.reduce_mean(h, [1, 2], name="final_avg_pool")
    with tf.variable_scope("head_contrastive"):
        z = tf.layers.dense(tf.layers.dense(h, 16, tf.nn.relu), 8)
    z = tf.math.l2_normalize(z, -1)
    a, b = tf.split(z, 2, 0)
    labels = tf.one_hot(tf.range(8), 16)
    aa = tf.matmul(a, a, transpose_b=True) / 0.5 - tf.one_hot(tf.range(8), 8) * 1e9
    ab = tf.matmul(a, b, transpose_b=True) / 0.5
    logits = tf.concat([ab, aa], 1)
    tf.losses.softmax_cross_entropy(labels, logits)
    tf.train.MomentumOptimizer(0.1, 0.9).minimize(tf.losses.get_total_loss())
    return [[h], [z, z.op.inputs[0]]]


def averaged_for_evaluation(tf):
    """MixMatch: a classifier of mixed examples, a second one with averaged weights to evaluate."""
    xt = tf.placeholder(tf.float32, [None, 32, 32, 3], "xt")
    x = tf.placeholder(tf.float32, [None, 32, 32, 3], "x")
    given = tf.placeholder(tf.int32, [None], "labels")
    w = tf.placeholder(tf.float32, [None], "mix")

    def classifier(v, getter=None):
        with tf.variable_scope("classify", reuse=tf.AUTO_REUSE, custom_getter=getter):
            h = tf.layers.conv2d(v, 8, 3, 4, activation=tf.nn.leaky_relu)
            return tf.layers.dense(tf.reduce_mean(h, [1, 2]), 10)

    w4 = w[:, None, None, None]
    mixed = x * w4 + tf.reverse(x, [0]) * (1 - w4)
    target = tf.one_hot(given, 10) * w[:, None] + tf.reverse(tf.one_hot(given, 10), [0]) * (
        1 - w[:, None]
    )
    logits = classifier(mixed)
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=target, logits=logits))
    ema = tf.train.ExponentialMovingAverage(0.999)
    averages = ema.apply(_scoped(tf, "classify"))
    train = tf.train.AdamOptimizer(2e-3).minimize(loss)
    tf.group(train, averages)

    def averaged(getter, name, *args, **kwargs):
        variable = getter(name, *args, **kwargs)
        return ema.average(variable) or variable

    classify_raw = tf.nn.softmax(classifier(xt))
    classify_op = tf.nn.softmax(classifier(xt, averaged))
    return [[classify_op, classify_op.op.inputs[0]], [classify_raw, classify_raw.op.inputs[0]]]


def styles_synthesised(tf):
    """A generator by latents: modulation, noise of learned strength, an average for use."""
    z = tf.placeholder(tf.float32, [None, 16], "latents_in")
    real = tf.placeholder(tf.float32, [None, 8, 8, 3], "reals")

    def generator(scope, latents, trainable=True):
        with tf.variable_scope(scope, reuse=tf.AUTO_REUSE):
            w = tf.layers.dense(latents, 16, tf.nn.leaky_relu, trainable=trainable, name="mapping")
            const = tf.get_variable("const", [1, 4, 4, 8], trainable=trainable)
            x = tf.tile(const, [tf.shape(w)[0], 1, 1, 1])
            strength = tf.get_variable("noise_strength", [], trainable=trainable)
            x += tf.random_normal([tf.shape(x)[0], 4, 4, 1]) * strength
            style = tf.layers.dense(w, 8, trainable=trainable, name="style")
            x = tf.nn.leaky_relu(x * (style[:, None, None] + 1))
            x = tf.image.resize_nearest_neighbor(x, [8, 8])
            x = tf.layers.conv2d(x, 3, 3, 1, "same", trainable=trainable, name="ToRGB")
            return tf.identity(x, name="images_out")

    def discriminator(x):
        with tf.variable_scope("D", reuse=tf.AUTO_REUSE):
            h = tf.layers.conv2d(x, 8, 3, 2, activation=tf.nn.leaky_relu, name="fromRGB")
            return tf.identity(tf.layers.dense(tf.layers.flatten(h), 1), name="scores_out")

    fake = generator("G", z)
    d_fake, d_real = discriminator(fake), discriminator(real)
    g_loss = tf.reduce_mean(tf.nn.softplus(-d_fake))
    d_loss = tf.reduce_mean(tf.nn.softplus(d_fake) + tf.nn.softplus(-d_real))
    d_loss += 5 * tf.reduce_mean(tf.square(tf.gradients(tf.reduce_sum(d_real), [real])[0]))
    tf.train.AdamOptimizer(2e-3, 0.0, 0.99).minimize(g_loss, var_list=_scoped(tf, "G/"))
    tf.train.AdamOptimizer(2e-3, 0.0, 0.99).minimize(d_loss, var_list=_scoped(tf, "D/"))
    images = generator("Gs", z, trainable=False)
    source = tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, "G/")
    source = [v for v in source if "Adam" not in v.name]
    target = tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, "Gs/")
    _ = [tf.assign(t, t + 0.001 * (s - t)) for t, s in zip(target, source, strict=True)]
    return [[images, images.op.inputs[0], fake, fake.op.inputs[0]]]


def language_by_past(tf):
    """A generating transformer with its keys and values handed back for the next step."""
    X = tf.placeholder(tf.int32, [2, None], "X")
    with tf.variable_scope("model"):
        wpe, wte = tf.get_variable("wpe", [32, 8]), tf.get_variable("wte", [40, 8])
        h = tf.gather(wte, X) + tf.gather(wpe, tf.range(tf.shape(X)[1]))
        presents = []
        for i in range(2):
            with tf.variable_scope(f"h{i}"):
                q, k, v = tf.split(tf.layers.dense(h, 24, name="c_attn"), 3, axis=2)
                presents.append(tf.stack([k, v], axis=1))
                w = tf.matmul(q, k, transpose_b=True)
                n = tf.shape(w)[1]
                mask = tf.linalg.band_part(tf.ones([n, n]), -1, 0)
                a = tf.matmul(tf.nn.softmax(w * mask - 1e10 * (1 - mask)), v)
                h += tf.layers.dense(a, 8, name="c_proj")
                m = tf.layers.dense(h, 16, name="c_fc")
                gelu = 0.5 * m * (1 + tf.tanh(0.797 * (m + 0.0447 * tf.pow(m, 3))))
                h += tf.layers.dense(gelu, 8, name="mlp_proj")
        present = tf.stack(presents, axis=1)
        flat = tf.reshape(h, [-1, 8])
        logits = tf.reshape(tf.matmul(flat, wte, transpose_b=True), [2, tf.shape(X)[1], 40])
    xent = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=X[:, 1:], logits=logits[:, :-1])
    loss = tf.reduce_mean(xent)
    tf.train.AdamOptimizer(1e-4).minimize(loss)
    tf.summary.scalar("loss", loss)
    return [[logits, logits.op.inputs[0]], [present]]


def watched_next(tf):
    """Candidates for a user: sampled softmax in training, all scores and the best for serving."""
    watched = tf.placeholder(tf.int32, [None, 10], "watched")
    age = tf.placeholder(tf.float32, [None, 1], "example_age")
    label = tf.placeholder(tf.int64, [None, 1], "next_video")
    table = tf.get_variable("video_embeddings", [60, 8])
    v = tf.reduce_mean(tf.nn.embedding_lookup(table, watched), 1)
    h = tf.layers.dense(tf.concat([v, age], 1), 16, tf.nn.relu)
    user = tf.layers.dense(h, 8, tf.nn.relu, name="user_vector")
    w, b = tf.get_variable("nce_weights", [60, 8]), tf.get_variable("nce_biases", [60])
    loss = tf.reduce_mean(tf.nn.sampled_softmax_loss(w, b, label, user, 10, 60))
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    logits = tf.matmul(user, w, transpose_b=True) + b
    scores, best = tf.nn.top_k(tf.nn.softmax(logits), 5)
    return [[best, scores, scores.op.inputs[0], logits], [user]]


def clicks_by_interest(tf):
    """Attention over a history, an auxiliary loss on its steps, two softmax outputs."""
    hist = tf.placeholder(tf.int32, [None, 8], "mid_his_batch_ph")
    noclk = tf.placeholder(tf.int32, [None, 8], "noclk_mid_batch_ph")
    item = tf.placeholder(tf.int32, [None], "mid_batch_ph")
    target = tf.placeholder(tf.float32, [None, 2], "target_ph")
    table = tf.get_variable("mid_embedding_var", [50, 8])
    e, q = tf.nn.embedding_lookup(table, hist), tf.nn.embedding_lookup(table, item)
    ne = tf.nn.embedding_lookup(table, noclk)
    states, _ = tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(8), e, dtype=tf.float32)

    def auxiliary(h, x):
        with tf.variable_scope("aux", reuse=tf.AUTO_REUSE):
            d = tf.layers.dense(tf.concat([h, x], -1), 8, tf.nn.sigmoid, name="f1")
            return tf.nn.softmax(tf.layers.dense(d, 2, name="f3")) + 1e-8

    click, no = auxiliary(states[:, :-1], e[:, 1:]), auxiliary(states[:, :-1], ne[:, 1:])
    aux = -tf.reduce_mean(tf.log(click[..., 0]) + tf.log(1.0 - no[..., 0]))
    a = tf.nn.softmax(tf.squeeze(tf.matmul(states, tf.expand_dims(q, 2)), 2))
    inp = tf.concat([q, tf.reduce_sum(states * tf.expand_dims(a, 2), 1)], 1)
    d = tf.layers.dense(tf.layers.batch_normalization(inp, name="bn1"), 16, name="f1")
    d = tf.layers.dense(tf.nn.relu(d), 2, name="f3")
    y_hat = tf.nn.softmax(d) + 0.00000001
    ctr = -tf.reduce_mean(tf.log(y_hat) * target)
    tf.summary.scalar("loss", ctr)
    tf.train.AdamOptimizer(1e-3).minimize(ctr + aux)
    right = tf.cast(tf.equal(tf.round(y_hat), target), tf.float32)
    tf.summary.scalar("accuracy", tf.reduce_mean(right))
    return [[y_hat, y_hat.op.inputs[0], d]]


def mixtures_of_experts(tf):
    """MMoE: gates over experts, two towers, both fetched."""
    x = tf.placeholder(tf.float32, [None, 12], "input")
    y1, y2 = (tf.placeholder(tf.float32, [None], f"label_{i}") for i in (1, 2))
    experts = tf.stack([tf.layers.dense(x, 8, tf.nn.relu, name=f"expert_{i}") for i in range(3)], 1)
    outs = []
    for i in (1, 2):
        gate = tf.nn.softmax(tf.layers.dense(x, 3, use_bias=False, name=f"gate_{i}"))
        mixed = tf.reduce_sum(experts * tf.expand_dims(gate, 2), 1)
        t = tf.layers.dense(tf.layers.dense(mixed, 4, tf.nn.relu), 1, name=f"tower_{i}")
        outs.append(tf.sigmoid(tf.reshape(t, [-1])))
    loss = tf.losses.log_loss(y1, outs[0]) + tf.losses.log_loss(y2, outs[1])
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[each, each.op.inputs[0]] for each in outs]
