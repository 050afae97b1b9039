"""A last blind set, counted once with the rules as they are handed over (see `programs.py`)."""


def two_heads_of_q(tf):
    """A double head: speed and steering of a car, tanh and sigmoid, scaled."""
    s = tf.placeholder(tf.float32, [None, 20], "state")
    grads = tf.placeholder(tf.float32, [None, 2], "action_gradient")
    with tf.variable_scope("actor"):
        h = tf.layers.dense(tf.layers.dense(s, 16, tf.nn.relu), 16, tf.nn.relu)
        steer = tf.layers.dense(h, 1, tf.nn.tanh)
        speed = tf.layers.dense(h, 1, tf.nn.sigmoid)
        action = tf.concat([steer, speed * 2.0], 1)
    params = tf.trainable_variables()
    g = tf.gradients(action, params, -grads)
    tf.train.AdamOptimizer(1e-4).apply_gradients(zip(g, params, strict=True))
    return [[action]]


def baseline_of_rewards(tf):
    """REINFORCE with a baseline in the same program."""
    s = tf.placeholder(tf.float32, [None, 8])
    a = tf.placeholder(tf.int32, [None])
    g = tf.placeholder(tf.float32, [None])
    h = tf.layers.dense(s, 16, tf.nn.relu, name="shared")
    logits = tf.layers.dense(h, 4, name="out")
    probs = tf.nn.softmax(logits)
    base = tf.squeeze(tf.layers.dense(h, 1, name="base"), 1)
    picked = tf.reduce_sum(probs * tf.one_hot(a, 4), 1)
    loss = -tf.reduce_mean(tf.log(picked) * tf.stop_gradient(g - base))
    loss += tf.reduce_mean(tf.square(g - base))
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[probs, logits], [base]]


def fonts_made(tf):
    """zi2zi in small: a style by its number, an encoder and a decoder, an adversary."""
    src = tf.placeholder(tf.float32, [None, 16, 16, 1], "source")
    real = tf.placeholder(tf.float32, [None, 16, 16, 1], "real")
    ids = tf.placeholder(tf.int64, [None], "embedding_ids")
    with tf.variable_scope("generator"):
        table = tf.get_variable("embedding", [10, 1, 1, 8])
        v = tf.layers.conv2d(src, 8, 4, 4, "same", name="e1")
        code = tf.tile(tf.nn.embedding_lookup(table, ids), [1, 4, 4, 1])
        v = tf.nn.relu(tf.concat([v, code], 3))
        fake = tf.nn.tanh(tf.layers.conv2d_transpose(v, 1, 4, 4, "same", name="d1"))

    def disc(x, reuse):
        with tf.variable_scope("discriminator", reuse=reuse):
            v = tf.nn.leaky_relu(tf.layers.conv2d(tf.concat([src, x], 3), 8, 4, 4, name="c"))
            return tf.layers.dense(tf.layers.flatten(v), 1, name="d")

    r, f = disc(real, False), disc(fake, True)
    xent = tf.nn.sigmoid_cross_entropy_with_logits
    d_loss = tf.reduce_mean(
        xent(logits=r, labels=tf.ones_like(r)) + xent(logits=f, labels=tf.zeros_like(f))
    )
    g_loss = tf.reduce_mean(xent(logits=f, labels=tf.ones_like(f))) + tf.reduce_mean(
        tf.abs(fake - real)
    )
    g_vars = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, "generator")
    d_vars = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, "discriminator")
    tf.train.AdamOptimizer(1e-3).minimize(d_loss, var_list=d_vars)
    tf.train.AdamOptimizer(1e-3).minimize(g_loss, var_list=g_vars)
    return [[fake, fake.op.inputs[0]]]


def sparse_codes(tf):
    """A sparse autoencoder by KL divergence of its mean activations."""
    x = tf.placeholder(tf.float32, [None, 64])
    w1, b1 = tf.Variable(tf.random_normal([64, 12])), tf.Variable(tf.zeros([12]))
    w2, b2 = tf.Variable(tf.random_normal([12, 64])), tf.Variable(tf.zeros([64]))
    a2 = tf.nn.sigmoid(tf.matmul(x, w1) + b1)
    h = tf.nn.sigmoid(tf.matmul(a2, w2) + b2)
    rho = tf.reduce_mean(a2, 0)
    kl = tf.reduce_sum(0.05 * tf.log(0.05 / rho) + 0.95 * tf.log(0.95 / (1 - rho)))
    loss = tf.reduce_mean(tf.reduce_sum(tf.square(h - x), 1)) + kl
    loss += 1e-3 * (tf.nn.l2_loss(w1) + tf.nn.l2_loss(w2))
    tf.train.AdamOptimizer(1e-2).minimize(loss)
    return [[h, h.op.inputs[0]], [a2]]


def wide_tagger(tf):
    """Windows of words, a tag for the middle one."""
    words = tf.placeholder(tf.int32, [None, 5], "window")
    tags = tf.placeholder(tf.int32, [None, 7], "tags_one_hot")
    keep = tf.placeholder(tf.float32, [])
    table = tf.Variable(tf.random_uniform([80, 6], -1, 1))
    v = tf.reshape(tf.nn.embedding_lookup(table, words), [-1, 30])
    U, b1 = tf.get_variable("U", [30, 12]), tf.get_variable("b1", [12])
    h = tf.nn.dropout(tf.tanh(tf.matmul(v, U) + b1), keep)
    W, b2 = tf.get_variable("W", [12, 7]), tf.get_variable("b2", [7])
    y = tf.matmul(h, W) + b2
    preds = tf.nn.softmax(y)
    classes = tf.argmax(preds, 1)
    xent = tf.nn.softmax_cross_entropy_with_logits_v2(labels=tf.to_float(tags), logits=y)
    reg = tf.nn.l2_loss(U) + tf.nn.l2_loss(W)
    tf.train.AdamOptimizer(1e-3).minimize(tf.reduce_mean(xent) + 1e-3 * reg)
    right = tf.equal(tf.cast(tf.argmax(tags, 1), tf.int64), classes)
    tf.reduce_sum(tf.cast(right, tf.int32))
    return [[preds, classes, y]]


def ranked_by_list(tf):
    """ListNet: scores of a query's documents, both sides through a softmax."""
    x = tf.placeholder(tf.float32, [None, 10, 8], "docs")
    rel = tf.placeholder(tf.float32, [None, 10], "relevance")
    score = tf.squeeze(tf.layers.dense(tf.layers.dense(x, 12, tf.nn.relu), 1), 2)
    loss = -tf.reduce_mean(tf.reduce_sum(tf.nn.softmax(rel) * tf.nn.log_softmax(score), 1))
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[score, score.op.inputs[0]]]


def weather_by_steps(tf):
    """An encoder and a decoder over numbers: the forecast is fed back in inference."""
    past = tf.placeholder(tf.float32, [None, 6, 2], "past")
    future = tf.placeholder(tf.float32, [None, 4, 2], "future")
    enc, dec = tf.nn.rnn_cell.GRUCell(8, name="enc"), tf.nn.rnn_cell.GRUCell(8, name="dec")
    _, start = tf.nn.static_rnn(enc, tf.unstack(past, axis=1), dtype=tf.float32)

    def decode(train):
        state, last, outs = start, past[:, -1], []
        for t in range(4):
            h, state = dec(last, state)
            with tf.variable_scope("proj", reuse=tf.AUTO_REUSE):
                outs.append(tf.layers.dense(h, 2, name="out"))
            last = future[:, t] if train else outs[-1]
        return tf.stack(outs, 1)

    train_out, infer_out = decode(True), decode(False)
    tf.train.AdamOptimizer(1e-3).minimize(tf.reduce_mean(tf.square(train_out - future)))
    return [[infer_out]]


def shared_face_network(tf):
    """Age, gender and smile out of one trunk; age as an expectation."""
    x = tf.placeholder(tf.float32, [None, 32, 32, 3], "images")
    age, gender = (
        tf.placeholder(tf.int32, [None], "age"),
        tf.placeholder(tf.int32, [None], "gender"),
    )
    v = tf.layers.conv2d(x, 8, 3, 4, activation=tf.nn.relu)
    v = tf.layers.dropout(tf.layers.dense(tf.layers.flatten(v), 16, tf.nn.relu), 0.5)
    a, g = tf.layers.dense(v, 101), tf.layers.dense(v, 2)
    loss = tf.losses.sparse_softmax_cross_entropy(age, a) + tf.losses.sparse_softmax_cross_entropy(
        gender, g
    )
    years = tf.reduce_sum(tf.multiply(tf.nn.softmax(a), tf.range(101, dtype=tf.float32)), axis=1)
    mae = tf.losses.absolute_difference(tf.to_float(age), years, loss_collection=None)
    tf.summary.scalar("mae", mae)
    sex = tf.argmax(tf.nn.softmax(g), 1)
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[years, a, a.op.inputs[0]], [sex, g, sex.op.inputs[0]]]


def attended_reviews(tf):
    """A review weighed word by word, one sigmoid for its feeling."""
    ids = tf.placeholder(tf.int32, [None, 12], name="batch_ph")
    y = tf.placeholder(tf.float32, [None], name="target_ph")
    lens = tf.placeholder(tf.int32, [None], name="seq_len_ph")
    keep = tf.placeholder(tf.float32, name="keep_prob_ph")
    table = tf.Variable(tf.random_uniform([60, 8], -1.0, 1.0), trainable=True)
    cells = [tf.nn.rnn_cell.GRUCell(6) for _ in range(2)]
    out, _ = tf.nn.bidirectional_dynamic_rnn(*cells, tf.gather(table, ids), lens, dtype=tf.float32)
    h = tf.concat(out, 2)
    w, b, u = tf.Variable(tf.ones([12, 5])), tf.Variable(tf.zeros([5])), tf.Variable(tf.ones([5]))
    vu = tf.tensordot(tf.tanh(tf.tensordot(h, w, axes=1) + b), u, axes=1)
    alphas = tf.nn.softmax(vu, name="alphas")
    pooled = tf.nn.dropout(tf.reduce_sum(h * tf.expand_dims(alphas, -1), 1), keep)
    W, c = tf.Variable(tf.truncated_normal([12, 1])), tf.Variable(tf.zeros([1]))
    y_hat = tf.squeeze(tf.nn.xw_plus_b(pooled, W, c))
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=y_hat, labels=y))
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    acc = tf.reduce_mean(tf.cast(tf.equal(tf.round(tf.sigmoid(y_hat)), y), tf.float32))
    tf.summary.scalar("accuracy", acc)
    return [[y_hat, tf.get_default_graph().get_tensor_by_name("Sigmoid:0"), y_hat.op.inputs[0]]]


def maps_of_heat(tf):
    """A small segmenter whose classes are shown in bytes."""
    x = tf.placeholder(tf.float32, [1, None, None, 3], "image")
    y = tf.placeholder(tf.int32, [1, None, None], "mask_truth")
    v = tf.layers.conv2d(x / 127.5 - 1.0, 8, 3, 2, "same", activation=tf.nn.relu)
    v = tf.layers.conv2d(v, 5, 1)
    logits = tf.image.resize_bilinear(v, tf.shape(x)[1:3])
    raw = tf.argmax(logits, axis=3)
    shown = tf.cast(tf.expand_dims(raw, 3), tf.uint8)
    flat = tf.reshape(logits, [-1, 5])
    keep = tf.where(tf.less(tf.reshape(y, [-1]), 5))
    picked = tf.gather(flat, keep[:, 0])
    loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(
            logits=picked, labels=tf.gather(tf.reshape(y, [-1]), keep[:, 0])
        )
    )
    tf.train.MomentumOptimizer(1e-3, 0.9).minimize(loss)
    return [[shown, raw, logits, v]]
