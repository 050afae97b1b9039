"""A ninth blind set, public kinds in another dress: written after the eighth was mended."""


def _of(tf, scope):
    return tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope=scope)


def digits_by_queue_of_files(tf):
    """A classifier fed by shuffled records, evaluated by a second pass that shares weights."""

    def inputs(pattern):
        queue = tf.train.string_input_producer([pattern])
        _, record = tf.TFRecordReader().read(queue)
        found = tf.parse_single_example(
            record,
            {
                "image_raw": tf.FixedLenFeature([], tf.string),
                "label": tf.FixedLenFeature([], tf.int64),
            },
        )
        image = tf.reshape(tf.decode_raw(found["image_raw"], tf.uint8), [28, 28, 1])
        image = tf.cast(image, tf.float32) / 255.0 - 0.5
        return tf.train.shuffle_batch([image, found["label"]], 8, 64, 16)

    def net(x, train):
        with tf.variable_scope("net", reuse=not train):
            h = tf.layers.conv2d(x, 8, 5, 2, activation=tf.nn.relu, name="c1")
            h = tf.layers.dense(tf.layers.flatten(h), 16, tf.nn.relu, name="f1")
            return tf.layers.dense(tf.nn.dropout(h, 0.5) if train else h, 10, name="f2")

    images, labels = inputs("train.tfrecords")
    logits = net(images, True)
    xent = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    tf.train.AdamOptimizer(1e-3).minimize(tf.reduce_mean(xent))
    test_images, test_labels = inputs("test.tfrecords")
    out = tf.nn.softmax(net(test_images, False))
    right = tf.nn.in_top_k(out, tf.cast(test_labels, tf.int32), 1)
    tf.reduce_mean(tf.cast(right, tf.float32))
    return [[out, out.op.inputs[0], logits]]


def several_towers(tf):
    """Two towers of a batch, gradients averaged by hand, predictions joined."""
    x = tf.placeholder(tf.float32, [8, 32, 32, 3], "images")
    y = tf.placeholder(tf.int64, [8], "labels")
    opt = tf.train.MomentumOptimizer(0.1, 0.9)
    grads, preds = [], []
    for i in range(2):
        with tf.name_scope(f"tower_{i}"), tf.variable_scope("model", reuse=bool(i)):
            part, target = x[i * 4 : i * 4 + 4], y[i * 4 : i * 4 + 4]
            h = tf.layers.conv2d(part, 8, 3, 4, activation=tf.nn.relu, name="conv")
            logits = tf.layers.dense(tf.layers.flatten(h), 10, name="fc")
            xent = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=target, logits=logits)
            grads.append(opt.compute_gradients(tf.reduce_mean(xent)))
            preds.append(tf.nn.softmax(logits))
    mean = []
    for pairs in zip(*grads, strict=True):
        both = tf.concat([tf.expand_dims(g, 0) for g, _ in pairs], 0)
        mean.append((tf.reduce_mean(both, 0), pairs[0][1]))
    opt.apply_gradients(mean)
    prediction = tf.concat(preds, 0, name="prediction")
    right = tf.equal(tf.argmax(prediction, 1), y)
    tf.reduce_mean(tf.cast(right, tf.float32))
    return [[prediction]]


def anchors_of_one_stage(tf):
    """RetinaNet in small: classes by focal loss, boxes by smooth L1, sigmoid and decoding apart."""
    x = tf.placeholder(tf.float32, [None, 64, 64, 3], "images")
    gt_c = tf.placeholder(tf.float32, [None, 192, 4], "cls_targets")
    gt_b = tf.placeholder(tf.float32, [None, 192, 4], "box_targets")
    f = tf.layers.conv2d(x, 8, 3, 8, "same", activation=tf.nn.relu)
    c = tf.layers.conv2d(f, 3 * 4, 3, 1, "same", name="class_predict")
    b = tf.layers.conv2d(f, 3 * 4, 3, 1, "same", name="box_predict")
    c, b = tf.reshape(c, [-1, 192, 4]), tf.reshape(b, [-1, 192, 4])
    p = tf.sigmoid(c)
    pt = tf.where(tf.equal(gt_c, 1.0), p, 1.0 - p)
    xent = tf.nn.sigmoid_cross_entropy_with_logits(labels=gt_c, logits=c)
    focal = tf.reduce_sum(tf.pow(1.0 - pt, 2.0) * xent)
    huber = tf.losses.huber_loss(gt_b, b, reduction="weighted_sum")
    tf.train.MomentumOptimizer(1e-3, 0.9).minimize(focal + 50 * huber)
    scores = tf.reduce_max(tf.sigmoid(c), 2, name="detection_scores")
    classes = tf.argmax(c, 2, name="detection_classes")
    anchors = tf.constant([[0.1, 0.1, 0.2, 0.2]] * 192)
    yx = b[..., :2] * anchors[:, 2:] + anchors[:, :2]
    hw = tf.exp(b[..., 2:]) * anchors[:, 2:]
    boxes = tf.concat([yx - hw / 2, yx + hw / 2], 2, name="detection_boxes")
    return [[classes, scores, c, p], [boxes, b]]


def baseline_with_two_nets(tf):
    """REINFORCE with a baseline net of its own, actions drawn in the graph."""
    obs = tf.placeholder(tf.float32, [None, 4], "ob_no")
    ac = tf.placeholder(tf.int32, [None], "ac_na")
    adv = tf.placeholder(tf.float32, [None], "adv_n")
    with tf.variable_scope("policy"):
        logits = tf.layers.dense(tf.layers.dense(obs, 16, tf.tanh), 2)
    sampled = tf.squeeze(tf.multinomial(logits, 1), axis=1)
    neg = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=ac, logits=logits)
    tf.train.AdamOptimizer(5e-3).minimize(tf.reduce_mean(neg * adv))
    with tf.variable_scope("nn_baseline"):
        base = tf.squeeze(tf.layers.dense(tf.layers.dense(obs, 16, tf.tanh), 1))
    target = tf.placeholder(tf.float32, [None], "baseline_target")
    tf.train.AdamOptimizer(5e-3).minimize(tf.nn.l2_loss(target - base))
    return [[sampled, logits], [base]]


def twin_delayed_dress(tf):
    """Deterministic policy with two critics, targets and smoothing noise, a limit on actions."""
    x, x2 = tf.placeholder(tf.float32, [None, 5]), tf.placeholder(tf.float32, [None, 5])
    a = tf.placeholder(tf.float32, [None, 2])
    r, d = tf.placeholder(tf.float32, [None]), tf.placeholder(tf.float32, [None])

    def mlp(v, n, out=None):
        return tf.layers.dense(tf.layers.dense(v, 16, tf.nn.relu), n, out)

    def actor_critic(o, act):
        with tf.variable_scope("pi"):
            pi = 2.0 * mlp(o, 2, tf.tanh)
        with tf.variable_scope("q1"):
            q1 = tf.squeeze(mlp(tf.concat([o, act], -1), 1), axis=1)
        with tf.variable_scope("q2"):
            q2 = tf.squeeze(mlp(tf.concat([o, act], -1), 1), axis=1)
        with tf.variable_scope("q1", reuse=True):
            names = [v for v in tf.global_variables() if "/q1/" in v.name]
            q1_pi = tf.squeeze(
                tf.matmul(
                    tf.nn.relu(tf.matmul(tf.concat([o, pi], -1), names[0]) + names[1]), names[2]
                )
                + names[3],
                axis=1,
            )
        return pi, q1, q2, q1_pi

    with tf.variable_scope("main"):
        pi, q1, q2, q1_pi = actor_critic(x, a)
    with tf.variable_scope("target/net"):
        pi_targ = 2.0 * mlp(x2, 2, tf.tanh)
        noise = tf.clip_by_value(tf.random_normal(tf.shape(pi_targ), stddev=0.2), -0.5, 0.5)
        a2 = tf.clip_by_value(pi_targ + noise, -2.0, 2.0)
        t1 = tf.squeeze(mlp(tf.concat([x2, a2], -1), 1), axis=1)
        t2 = tf.squeeze(mlp(tf.concat([x2, a2], -1), 1), axis=1)
    backup = tf.stop_gradient(r + 0.99 * (1 - d) * tf.minimum(t1, t2))
    q_loss = tf.reduce_mean((q1 - backup) ** 2) + tf.reduce_mean((q2 - backup) ** 2)
    tf.train.AdamOptimizer(1e-3).minimize(-tf.reduce_mean(q1_pi), var_list=_of(tf, "main/pi"))
    tf.train.AdamOptimizer(1e-3).minimize(q_loss, var_list=_of(tf, "main/q"))
    pairs = zip(_of(tf, "main"), _of(tf, "target"), strict=True)
    tf.group([tf.assign(t, 0.995 * t + 0.005 * m) for m, t in pairs])
    return [[pi]]


def tags_decoded_by_library(tf):
    """A tagger whose decoding is in its graph, over windows of words and a dense layer."""
    ids = tf.placeholder(tf.int32, [None, 10], "token_ids")
    tags = tf.placeholder(tf.int32, [None, 10], "tag_ids")
    table = tf.get_variable("embeddings", [60, 8])
    e = tf.nn.embedding_lookup(table, ids)
    h = tf.layers.conv1d(e, 8, 3, padding="same", activation=tf.nn.relu)
    scores = tf.layers.dense(h, 5, name="unary")
    trans = tf.get_variable("crf_transitions", [5, 5])
    picked = tf.reduce_sum(scores * tf.one_hot(tags, 5), [1, 2])
    index = tags[:, :-1] * 5 + tags[:, 1:]
    picked += tf.reduce_sum(tf.gather(tf.reshape(trans, [-1]), index), 1)
    alpha = scores[:, 0]
    best, back = scores[:, 0], []
    for i in range(1, 10):
        alpha = tf.reduce_logsumexp(alpha[:, :, None] + trans[None], 1) + scores[:, i]
        step = best[:, :, None] + trans[None]
        back.append(tf.argmax(step, 1, output_type=tf.int32))
        best = tf.reduce_max(step, 1) + scores[:, i]
    loss = tf.reduce_mean(tf.reduce_logsumexp(alpha, 1) - picked)
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    tag = tf.argmax(best, 1, output_type=tf.int32)
    path, rows = [tag], tf.range(tf.shape(ids)[0])
    for pointers in reversed(back):
        tag = tf.gather_nd(pointers, tf.stack([rows, tag], 1))
        path.append(tag)
    decoded = tf.stack(path[::-1], 1, name="viterbi_sequence")
    return [[decoded], [scores]]


def listened_by_attention(tf):
    """Listen, attend and spell: a pyramid, teacher forcing by a loop, greedy letters beside it."""
    audio = tf.placeholder(tf.float32, [None, 16, 6], "audio")
    text = tf.placeholder(tf.int32, [None, 5], "text")
    h, _ = tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(8), audio, dtype=tf.float32, scope="l1")
    h = tf.reshape(h, [-1, 8, 16])
    h, _ = tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(8), h, dtype=tf.float32, scope="l2")
    cell = tf.nn.rnn_cell.GRUCell(8, name="speller")
    table, W = tf.get_variable("char_embedding", [20, 8]), tf.get_variable("W", [16, 20])

    def spell(inputs, s):
        y, s = cell(inputs, s)
        a = tf.nn.softmax(tf.reduce_sum(h * y[:, None], 2))
        c = tf.reduce_sum(h * a[:, :, None], 1)
        return tf.matmul(tf.concat([y, c], 1), W), s

    n = tf.shape(audio)[0]
    start = tf.zeros([n], tf.int32)
    shifted = tf.concat([start[:, None], text[:, :-1]], 1)
    s, outs = tf.zeros([n, 8]), []
    for i in range(5):
        o, s = spell(tf.nn.embedding_lookup(table, shifted[:, i]), s)
        outs.append(o)
    logits = tf.stack(outs, 1)
    xent = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=text, logits=logits)
    tf.train.AdamOptimizer(1e-3).minimize(tf.reduce_mean(xent))
    s, token, letters = tf.zeros([n, 8]), start, []
    for _ in range(5):
        o, s = spell(tf.nn.embedding_lookup(table, token), s)
        token = tf.argmax(o, 1, output_type=tf.int32)
        letters.append(token)
    greedy = tf.stack(letters, 1)
    return [[greedy], [logits]]


def sequences_to_codes(tf):
    """A VAE of sentences: an encoder's state, annealed divergence, a decoder that is forced."""
    x = tf.placeholder(tf.int32, [None, 8], "x")
    dec = tf.placeholder(tf.int32, [None, 8], "x_dec")
    target = tf.placeholder(tf.int32, [None, 8], "x_target")
    table = tf.get_variable("emb", [40, 8])
    _, s = tf.nn.dynamic_rnn(
        tf.nn.rnn_cell.GRUCell(8), tf.nn.embedding_lookup(table, x), dtype=tf.float32, scope="enc"
    )
    mean, logvar = tf.layers.dense(s, 4, name="mean"), tf.layers.dense(s, 4, name="logvar")
    z = mean + tf.exp(0.5 * logvar) * tf.random_normal(tf.shape(mean))
    first = tf.layers.dense(z, 8, name="latent2init")
    h, _ = tf.nn.dynamic_rnn(
        tf.nn.rnn_cell.GRUCell(8),
        tf.nn.embedding_lookup(table, dec),
        initial_state=first,
        scope="dec",
    )
    logits = tf.layers.dense(h, 40, name="logits")
    xent = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=target, logits=logits)
    step = tf.train.get_or_create_global_step()
    weight = tf.tanh(tf.to_float(step) / 1000.0)
    kl = -0.5 * tf.reduce_mean(1 + logvar - tf.square(mean) - tf.exp(logvar))
    tf.train.AdamOptimizer(1e-3).minimize(tf.reduce_mean(xent) + weight * kl, step)
    return [[logits], [mean, z]]
