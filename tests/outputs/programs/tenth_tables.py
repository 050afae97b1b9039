"""A tenth blind set, of tables and sounds: written before the rules of its time were read."""


def _cells(tf, size):
    return tf.nn.rnn_cell.GRUCell(size), tf.nn.rnn_cell.GRUCell(size)


def compressed_interactions(tf):
    """xDeepFM: linear part, compressed interactions and deep part in one logit."""
    index = tf.placeholder(tf.int32, [None, 6], "feat_index")
    value = tf.placeholder(tf.float32, [None, 6], "feat_value")
    label = tf.placeholder(tf.float32, [None, 1], "label")
    train_phase = tf.placeholder(tf.bool, name="train_phase")
    emb = tf.gather(tf.get_variable("v", [100, 4]), index) * tf.expand_dims(value, 2)
    linear = tf.reduce_sum(
        tf.gather(tf.get_variable("w", [100, 1]), index)[..., 0] * value, 1, keepdims=True
    )
    pairs = tf.reshape(tf.einsum("bid,bjd->bijd", emb, emb), [-1, 36, 4])
    cin = tf.layers.conv1d(tf.transpose(pairs, [0, 2, 1]), 8, 1, name="cin")
    deep = tf.layers.dense(tf.reshape(emb, [-1, 24]), 16, tf.nn.relu)
    deep = tf.layers.dropout(
        tf.layers.batch_normalization(deep, training=train_phase), 0.3, training=train_phase
    )
    logit = linear + tf.layers.dense(tf.reduce_sum(cin, 1), 1) + tf.layers.dense(deep, 1)
    logit += tf.get_variable("bias", [1])
    out = tf.nn.sigmoid(logit)
    loss = tf.losses.log_loss(label, out) + 1e-4 * tf.nn.l2_loss(emb)
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[out, logit]]


def light_graph_of_users(tf):
    """LightGCN: scores of a batch of users for all items; training on pairs."""
    users = tf.placeholder(tf.int32, [None], "users")
    pos, neg = (
        tf.placeholder(tf.int32, [None], "pos_items"),
        tf.placeholder(tf.int32, [None], "neg_items"),
    )
    eu, ei = tf.get_variable("user_embedding", [20, 8]), tf.get_variable("item_embedding", [30, 8])
    graph = tf.sparse_placeholder(tf.float32, [50, 50], "adjacency")
    layers = [tf.concat([eu, ei], 0)]
    for _ in range(2):
        layers.append(tf.sparse_tensor_dense_matmul(graph, layers[-1]))
    every = tf.reduce_mean(tf.stack(layers, 1), 1)
    ua, ia = tf.split(every, [20, 30], 0)
    u, p, n = (tf.nn.embedding_lookup(t, i) for t, i in ((ua, users), (ia, pos), (ia, neg)))
    ratings = tf.matmul(u, p, transpose_b=True)
    better = tf.reduce_sum(u * p, 1) - tf.reduce_sum(u * n, 1)
    bpr = -tf.reduce_mean(tf.log_sigmoid(better))
    reg = sum(map(tf.nn.l2_loss, (tf.gather(eu, users), tf.gather(ei, pos), tf.gather(ei, neg))))
    tf.train.AdamOptimizer(1e-3).minimize(bpr + 1e-4 * reg)
    return [[ratings]]


def candidates_of_videos(tf):
    """YouTube's candidates: a user's vector, sampled softmax, nearest items by scores."""
    watched = tf.placeholder(tf.int32, [None, 10], "watched")
    age = tf.placeholder(tf.float32, [None, 1], "example_age")
    nxt = tf.placeholder(tf.int64, [None, 1], "next_video")
    videos = tf.get_variable("video_embeddings", [200, 16])
    seen = tf.reduce_mean(tf.nn.embedding_lookup(videos, watched), 1)
    h = tf.layers.dense(tf.concat([seen, age], 1), 32, tf.nn.relu)
    user = tf.layers.dense(h, 16, tf.nn.relu, name="user_vector")
    w, b = tf.get_variable("softmax_w", [200, 16]), tf.get_variable("softmax_b", [200])
    loss = tf.reduce_mean(tf.nn.sampled_softmax_loss(w, b, nxt, user, 10, 200))
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    scores = tf.matmul(user, w, transpose_b=True) + b
    best, items = tf.nn.top_k(scores, 10)
    return [[items, best, scores]]


def interests_evolve(tf):
    """DIEN: a history by GRU with an auxiliary loss, attention by the target, two classes."""
    hist = tf.placeholder(tf.int32, [None, 8], "mid_his_batch_ph")
    noclick = tf.placeholder(tf.int32, [None, 8], "noclk_mid_batch_ph")
    item = tf.placeholder(tf.int32, [None], "mid_batch_ph")
    target = tf.placeholder(tf.float32, [None, 2], "target_ph")
    table = tf.get_variable("mid_embedding_var", [100, 8])
    his, no, it = (tf.nn.embedding_lookup(table, x) for x in (hist, noclick, item))
    one, two = _cells(tf, 8)
    states, _ = tf.nn.dynamic_rnn(one, his, dtype=tf.float32, scope="gru1")

    def auxiliary(pair):
        with tf.variable_scope("aux", reuse=tf.AUTO_REUSE):
            return tf.nn.softmax(
                tf.layers.dense(tf.layers.dense(pair, 8, tf.sigmoid, name="f1"), 2, name="f2")
            )[..., 0]

    click = auxiliary(tf.concat([states[:, :-1], his[:, 1:]], 2))
    other = auxiliary(tf.concat([states[:, :-1], no[:, 1:]], 2))
    aux = -tf.reduce_mean(tf.log(click + 1e-8) + tf.log(1.0 - other + 1e-8))
    weights = tf.nn.softmax(tf.einsum("btd,bd->bt", states, it))
    _, final = tf.nn.dynamic_rnn(
        two, states * tf.expand_dims(weights, 2), dtype=tf.float32, scope="gru2"
    )
    h = tf.layers.dense(tf.concat([it, final, it * tf.reduce_sum(his, 1)], 1), 16, tf.nn.relu)
    y_hat = tf.nn.softmax(tf.layers.dense(h, 2)) + 0.00000001
    loss = -tf.reduce_mean(tf.log(y_hat) * target) + aux
    tf.summary.scalar("loss", loss)
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    tf.reduce_mean(tf.cast(tf.equal(tf.round(y_hat), target), tf.float32))
    return [[y_hat, y_hat.op.inputs[0], y_hat.op.inputs[0].op.inputs[0]]]


def translated_in_space(tf):
    """TransE: distances of triples, margins between true and broken ones, ranks when tested."""
    pos, neg = (
        tf.placeholder(tf.int32, [3, None], "pos"),
        tf.placeholder(tf.int32, [3, None], "neg"),
    )
    test = tf.placeholder(tf.int32, [3], "test_triple")
    ent, rel = tf.get_variable("ent_embedding", [60, 8]), tf.get_variable("rel_embedding", [7, 8])
    ent_n = tf.nn.l2_normalize(ent, 1)

    def distance(t):
        return tf.reduce_sum(
            tf.abs(tf.gather(ent_n, t[0]) + tf.gather(rel, t[1]) - tf.gather(ent_n, t[2])), 1
        )

    loss = tf.reduce_sum(tf.maximum(0.0, distance(pos) + 1.0 - distance(neg)))
    tf.train.AdamOptimizer(0.01).minimize(loss)
    tail = tf.gather(ent_n, test[0]) + tf.gather(rel, test[1]) - ent_n
    _, tail_ids = tf.nn.top_k(tf.reduce_sum(tf.abs(tail), 1), k=60, name="tails")
    head = ent_n + tf.gather(rel, test[1]) - tf.gather(ent_n, test[2])
    _, head_ids = tf.nn.top_k(tf.reduce_sum(tf.abs(head), 1), k=60, name="heads")
    return [[tail_ids, tail_ids.op.inputs[0]], [head_ids, head_ids.op.inputs[0]]]


def messages_of_atoms(tf):
    """Molecules: messages over bonds, a gated sum read out, a property in real units."""
    nodes = tf.placeholder(tf.float32, [None, 9, 5], "atoms")
    bonds = tf.placeholder(tf.float32, [None, 9, 9, 3], "bonds")
    target = tf.placeholder(tf.float32, [None, 1], "property")
    mean = tf.get_variable("target_mean", [], trainable=False, initializer=tf.zeros_initializer())
    std = tf.get_variable("target_std", [], trainable=False, initializer=tf.ones_initializer())
    h = tf.layers.dense(nodes, 8)
    for _ in range(2):
        weights = tf.reshape(
            tf.layers.dense(bonds, 64, name="edge_net", reuse=tf.AUTO_REUSE), [-1, 9, 9, 8, 8]
        )
        message = tf.einsum("bijkl,bjl->bik", weights, h)
        h = tf.tanh(
            tf.layers.dense(tf.concat([h, message], 2), 8, name="update", reuse=tf.AUTO_REUSE)
        )
    gate = tf.sigmoid(tf.layers.dense(tf.concat([h, nodes], 2), 1))
    normal = tf.reduce_sum(gate * tf.layers.dense(h, 1), 1)
    loss = tf.reduce_mean(tf.square(normal - (target - mean) / std))
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    prediction = normal * std + mean
    tf.reduce_mean(tf.abs(prediction - target), name="mae")
    return [[prediction, normal]]


def hours_by_likelihood(tf):
    """DeepAR: parameters of each step's distribution, trained by likelihood, samples drawn."""
    z = tf.placeholder(tf.float32, [None, 24, 1], "series")
    x = tf.placeholder(tf.float32, [None, 24, 3], "covariates")
    scale = tf.reduce_mean(tf.abs(z), 1, keepdims=True) + 1.0
    out, _ = tf.nn.dynamic_rnn(
        tf.nn.rnn_cell.LSTMCell(12), tf.concat([z / scale, x], 2), dtype=tf.float32
    )
    mu = tf.layers.dense(out, 1, name="mu") * scale
    sigma = tf.layers.dense(out, 1, tf.nn.softplus, name="sigma") * scale
    target = z[:, 1:]
    m, s = mu[:, :-1], sigma[:, :-1] + 1e-6
    nll = tf.reduce_mean(tf.log(s) + 0.5 * tf.square((target - m) / s))
    tf.train.AdamOptimizer(1e-3).minimize(nll)
    return [[mu], [sigma]]


def backcast_and_forecast(tf):
    """N-BEATS: blocks take their part from the series and add to the forecast."""
    past = tf.placeholder(tf.float32, [None, 20], "insample")
    future = tf.placeholder(tf.float32, [None, 5], "outsample")
    left, forecast = past, 0.0
    for i in range(3):
        h = tf.layers.dense(tf.layers.dense(left, 16, tf.nn.relu), 16, tf.nn.relu)
        left = left - tf.layers.dense(h, 20, name=f"back_{i}")
        forecast += tf.layers.dense(h, 5, name=f"fore_{i}")
    smape = 200.0 * tf.reduce_mean(
        tf.abs(future - forecast) / (tf.abs(future) + tf.abs(forecast) + 1e-5)
    )
    step = tf.train.create_global_step()
    tf.train.AdamOptimizer(1e-3).minimize(smape, step)
    return [[forecast]]


def beats_of_hearts(tf):
    """An autoencoder of heart beats: what is odd is what is rebuilt badly."""
    x = tf.placeholder(tf.float32, [None, 30, 1], "ecg")
    limit = tf.get_variable("threshold", [], trainable=False, initializer=tf.ones_initializer())
    enc, dec = _cells(tf, 8)
    _, code = tf.nn.dynamic_rnn(enc, x, dtype=tf.float32, scope="enc")
    repeated = tf.tile(tf.expand_dims(code, 1), [1, 30, 1])
    out, _ = tf.nn.dynamic_rnn(dec, repeated, dtype=tf.float32, scope="dec")
    rebuilt = tf.layers.dense(out, 1, name="reconstruction")
    error = tf.reduce_mean(tf.square(rebuilt - x), [1, 2], name="anomaly_score")
    odd = tf.greater(error, limit, name="is_anomaly")
    tf.train.AdamOptimizer(1e-3).minimize(tf.reduce_mean(error))
    return [[odd, error], [rebuilt]]


def voices_end_to_end(tf):
    """GE2E: embeddings of utterances, similarities to speakers' centroids."""
    batch = tf.placeholder(tf.float32, [None, 12, 10], "batch")
    w, b = tf.get_variable("w", initializer=10.0), tf.get_variable("b", initializer=-5.0)
    out, _ = tf.nn.dynamic_rnn(tf.nn.rnn_cell.LSTMCell(16, num_proj=8), batch, dtype=tf.float32)
    embedded = tf.nn.l2_normalize(out[:, -1], 1)
    by_speaker = tf.reshape(embedded, [4, 3, 8])
    centre = tf.nn.l2_normalize(tf.reduce_mean(by_speaker, 1), 1)
    similar = tf.abs(w) * tf.matmul(embedded, centre, transpose_b=True) + b
    labels = tf.constant([i // 3 for i in range(12)])
    loss = tf.reduce_sum(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=similar)
    )
    opt = tf.train.GradientDescentOptimizer(0.01)
    grads, names = zip(*opt.compute_gradients(loss), strict=True)
    opt.apply_gradients(zip(tf.clip_by_global_norm(grads, 3.0)[0], names, strict=True))
    return [[embedded]]


def spoken_mels(tf):
    """Tacotron in training: mel frames by a teacher's, linear frames after them, stops."""
    text = tf.placeholder(tf.int32, [None, 14], "inputs")
    mels = tf.placeholder(tf.float32, [None, 20, 8], "mel_targets")
    linear = tf.placeholder(tf.float32, [None, 20, 16], "linear_targets")
    stop = tf.placeholder(tf.float32, [None, 20], "stop_token_targets")
    enc, _ = tf.nn.bidirectional_dynamic_rnn(
        *_cells(tf, 8),
        tf.nn.embedding_lookup(tf.get_variable("embedding", [40, 8]), text),
        dtype=tf.float32,
    )
    memory = tf.concat(enc, 2)
    before = tf.layers.dense(tf.pad(mels[:, :-1], [[0, 0], [1, 0], [0, 0]]), 16, tf.nn.relu)
    before = tf.nn.dropout(before, 0.5)
    out, _ = tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(16), before, dtype=tf.float32)
    seen = tf.matmul(tf.nn.softmax(tf.matmul(out, memory, transpose_b=True)), memory)
    joined = tf.concat([out, seen], 2)
    mel_outputs = tf.layers.dense(joined, 8, name="mel_outputs")
    stop_logits = tf.squeeze(tf.layers.dense(joined, 1, name="stop"), 2)
    post = tf.layers.conv1d(mel_outputs, 16, 5, padding="same", activation=tf.tanh)
    linear_outputs = tf.layers.dense(post, 16, name="linear_outputs")
    loss = tf.reduce_mean(tf.abs(mels - mel_outputs)) + tf.reduce_mean(
        tf.abs(linear - linear_outputs)
    )
    loss += tf.losses.sigmoid_cross_entropy(stop, stop_logits)
    step = tf.Variable(0, trainable=False)
    tf.train.AdamOptimizer(tf.train.inverse_time_decay(2e-3, step, 4000, 0.5)).minimize(loss, step)
    return [[linear_outputs], [mel_outputs]]


def weights_by_backprop(tf):
    """Bayes by backprop: weights drawn from their posteriors, the bound as the loss."""
    x, y = tf.placeholder(tf.float32, [None, 5], "x"), tf.placeholder(tf.float32, [None, 1], "y")
    h, kl = x, 0.0
    for i, (a, b) in enumerate(((5, 16), (16, 1))):
        mu, rho = tf.get_variable(f"mu{i}", [a, b]), tf.get_variable(f"rho{i}", [a, b])
        sigma = tf.nn.softplus(rho)
        h = tf.matmul(h, mu + sigma * tf.random_normal([a, b])) + tf.get_variable(f"bias{i}", [b])
        h = tf.nn.relu(h) if i == 0 else h
        kl += tf.reduce_sum(0.5 * (tf.square(mu) + tf.square(sigma) - 1) - tf.log(sigma))
    likelihood = -tf.reduce_sum(0.5 * tf.square(y - h))
    tf.train.AdamOptimizer(0.01).minimize(kl / 100 - likelihood)
    return [[h]]


def energy_conserved(tf):
    """Hamiltonian net: the motion is the turned gradient of a learned energy."""
    q, p = tf.placeholder(tf.float32, [None, 2], "q"), tf.placeholder(tf.float32, [None, 2], "p")
    dq, dp = (
        tf.placeholder(tf.float32, [None, 2], "dq"),
        tf.placeholder(tf.float32, [None, 2], "dp"),
    )
    h = tf.layers.dense(tf.concat([q, p], 1), 16, tf.tanh)
    energy = tf.layers.dense(h, 1, name="H")
    grad_q, grad_p = tf.gradients(energy, [q, p])
    pred = tf.concat([grad_p, -grad_q], 1, name="motion")
    loss = tf.reduce_mean(tf.square(pred - tf.concat([dq, dp], 1)))
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[pred], [energy]]


def keras_heads_of_pages(tf):
    """Keras in TensorFlow 1: three named outputs of unlike kinds, compiled and made to train."""
    keras = tf.keras
    image = keras.layers.Input((24, 24, 1), name="page")
    x = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(image)
    x = keras.layers.Dropout(0.3)(keras.layers.BatchNormalization()(x))
    flat = keras.layers.Flatten()(x)
    kind = keras.layers.Dense(4, activation="softmax", name="kind")(flat)
    turned = keras.layers.Dense(1, name="angle")(flat)
    empty = keras.layers.Dense(1, activation="sigmoid", name="blank")(flat)
    model = keras.Model(image, [kind, turned, empty])
    losses = {"kind": "categorical_crossentropy", "angle": "mse", "blank": "binary_crossentropy"}
    model.compile("adam", losses, metrics={"kind": "accuracy"})
    model._make_train_function()
    return [[kind, kind.op.inputs[0]], [turned], [empty, empty.op.inputs[0]]]
