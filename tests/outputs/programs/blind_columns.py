"""Rows of tables, a second blind set: written after the first was mended (see `programs.py`)."""


def attended_factors(tf):
    """AFM: pairs of fields weighed by attention."""
    features = tf.placeholder(tf.int32, shape=[None, 4], name="train_features")
    labels = tf.placeholder(tf.float32, shape=[None, 1], name="train_labels")
    keep = tf.placeholder(tf.float32, shape=[None], name="dropout_keep")
    table = tf.Variable(tf.random_normal([40, 5]), name="feature_embeddings")
    bias = tf.Variable(tf.random_uniform([40, 1]), name="feature_bias")
    e = tf.nn.embedding_lookup(table, features)
    pairs = tf.stack([e[:, i] * e[:, j] for i in range(4) for j in range(i + 1, 4)], 1)
    w, b = tf.Variable(tf.random_normal([5, 3])), tf.Variable(tf.random_normal([1, 3]))
    p = tf.Variable(tf.random_normal([3]))
    mul = tf.reshape(tf.matmul(tf.reshape(pairs, [-1, 5]), w), [-1, 6, 3])
    relu = tf.reduce_sum(tf.multiply(p, tf.nn.relu(mul + b)), 2, keep_dims=True)
    weight = tf.nn.dropout(tf.nn.softmax(relu, axis=1), keep[0])
    afm = tf.nn.dropout(tf.reduce_sum(weight * pairs, 1), keep[1])
    prediction = tf.matmul(afm, tf.Variable(tf.ones([5, 1])))
    bilinear = tf.reduce_sum(prediction, 1, keep_dims=True)
    feature_bias = tf.reduce_sum(tf.nn.embedding_lookup(bias, features), 1)
    offset = tf.Variable(tf.constant(0.0)) * tf.ones_like(labels)
    out = tf.add_n([bilinear, feature_bias, offset], name="out")
    loss = tf.nn.l2_loss(tf.subtract(labels, out))
    tf.train.AdagradOptimizer(0.1, initial_accumulator_value=1e-8).minimize(loss)
    return [[out]]


def crossed_features(tf):
    """Deep & cross: a canned pair of towers in an estimator's words."""
    cont = tf.placeholder(tf.float32, [None, 4], "numeric")
    cats = tf.placeholder(tf.int32, [None, 3], "categorical")
    click = tf.placeholder(tf.float32, [None], "clicked")
    is_train = tf.placeholder_with_default(False, (), "train_phase")
    emb = tf.get_variable("emb", [60, 4])
    x0 = tf.concat([cont, tf.reshape(tf.gather(emb, cats), [-1, 12])], 1)
    with tf.variable_scope("cross"):
        xl = x0
        for i in range(2):
            w, b = tf.get_variable(f"w{i}", [16]), tf.get_variable(f"b{i}", [16])
            xl = x0 * tf.tensordot(xl, w, 1)[:, None] + b + xl
    with tf.variable_scope("deep"):
        h = tf.layers.dense(x0, 16, tf.nn.relu)
        h = tf.layers.batch_normalization(h, training=is_train)
    with tf.variable_scope("DCN-out"):
        y = tf.reshape(tf.layers.dense(tf.concat([xl, h], 1), 1), [-1])
        pred = tf.sigmoid(y)
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=y, labels=click))
    loss += 1e-4 * tf.nn.l2_loss(emb)
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[pred, y]]


def experts_for_tasks(tf):
    """MMoE: experts mixed by a gate for each of two tasks."""
    x = tf.placeholder(tf.float32, [None, 10], "features")
    income = tf.placeholder(tf.float32, [None, 1], "label_income")
    marital = tf.placeholder(tf.float32, [None, 1], "label_marital")
    experts = tf.stack([tf.layers.dense(x, 8, tf.nn.relu, name=f"expert_{i}") for i in range(3)], 1)
    logits = []
    for task in ("income", "marital"):
        gate = tf.layers.dense(x, 3, tf.nn.softmax, name=f"gate_{task}")
        mixed = tf.reduce_sum(gate[:, :, None] * experts, 1)
        logits.append(
            tf.layers.dense(tf.layers.dense(mixed, 4, tf.nn.relu), 1, name=f"tower_{task}")
        )
    losses = [
        tf.losses.sigmoid_cross_entropy(label, logit)
        for label, logit in zip((income, marital), logits, strict=True)
    ]
    preds = [tf.nn.sigmoid(each) for each in logits]
    tf.train.AdamOptimizer(1e-3).minimize(losses[0] + losses[1])
    return [[preds[0], logits[0]], [preds[1], logits[1]]]


def hazards(tf):
    """DeepSurv: a risk without activation, Cox's partial likelihood."""
    X = tf.placeholder(tf.float32, [None, 6], name="x-Input")
    y_ = tf.placeholder(tf.float32, [None, 1], name="label-Input")
    keep_prob = tf.placeholder(tf.float32)
    h = tf.nn.dropout(tf.layers.dense(X, 12, tf.nn.relu, name="layer1"), keep_prob)
    y = tf.squeeze(tf.layers.dense(h, 1, name="layer_last"))
    with tf.name_scope("loss"):
        hazard = tf.exp(y)
        log_risk = tf.log(tf.cumsum(hazard))
        likelihood = (y - log_risk) * tf.squeeze(y_)
        cost = -tf.reduce_sum(likelihood)
    tf.train.GradientDescentOptimizer(0.01).minimize(cost)
    return [[y]]


def uncertain_weights(tf):
    """Bayes by backprop: weights are drawn anew, their means and widths are trained."""
    x = tf.placeholder(tf.float32, [None, 8], name="x")
    y = tf.placeholder(tf.float32, [None, 1], name="y_true")

    kl = []

    def layer(v, n, name):
        with tf.variable_scope(name):
            shape = [int(v.shape[1]), n]
            mu, rho = tf.get_variable("w_mu", shape), tf.get_variable("w_rho", shape)
            b = tf.get_variable("b_mu", [n])
            sigma = tf.log(1.0 + tf.exp(rho))
            w = mu + sigma * tf.random_normal(shape)
            kl.append(tf.reduce_sum(tf.square(mu) + tf.square(sigma) - tf.log(sigma)))
            return tf.matmul(v, w) + b

    out = layer(tf.nn.relu(layer(x, 12, "fc1")), 1, "fc2")
    nll = tf.reduce_sum(tf.square(y - out)) / 0.2
    tf.train.AdamOptimizer(1e-3).minimize(nll + tf.add_n(kl) / 100.0)
    return [[out]]


def neighbours_sampled(tf):
    """GraphSAGE: neighbours averaged, unit embeddings, classes by one more layer."""
    feats = tf.placeholder(tf.float32, [None, 12], name="features")
    batch = tf.placeholder(tf.int32, [None], name="batch1")
    adj = tf.placeholder(tf.int32, [None, 5], name="adj_info")
    labels = tf.placeholder(tf.float32, [None, 4], name="labels")
    dropout = tf.placeholder_with_default(0.0, shape=(), name="dropout")

    def aggregate(own, neigh, n, name, act):
        with tf.variable_scope(name):
            ws = tf.get_variable("self_weights", [int(own.shape[-1]), n])
            wn = tf.get_variable("neigh_weights", [int(own.shape[-1]), n])
            own = tf.nn.dropout(own, 1 - dropout)
            return act(tf.concat([tf.matmul(own, ws), tf.matmul(neigh, wn)], 1))

    neigh = tf.reduce_mean(tf.gather(feats, tf.gather(adj, batch)), 1)
    h = aggregate(tf.gather(feats, batch), neigh, 6, "meanaggregator_1", tf.nn.relu)
    outputs = tf.nn.l2_normalize(h, 1)
    node_preds = tf.layers.dense(outputs, 4, name="node_pred")
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=node_preds, labels=labels))
    for var in tf.trainable_variables():
        loss += 1e-4 * tf.nn.l2_loss(var)
    opt = tf.train.AdamOptimizer(0.01)
    clipped = [(tf.clip_by_value(g, -5.0, 5.0), v) for g, v in opt.compute_gradients(loss)]
    opt.apply_gradients(clipped)
    preds = tf.nn.sigmoid(node_preds)
    return [[preds, node_preds]]


def embedded_clusters(tf):
    """DEC: soft assignments by distances to centres, sharpened targets fed from outside."""
    x = tf.placeholder(tf.float32, [None, 20], name="input")
    p = tf.placeholder(tf.float32, [None, 3], name="p")
    v = tf.layers.dense(x, 12, tf.nn.relu, name="enc1")
    z = tf.layers.dense(v, 4, name="enc2")
    v = tf.layers.dense(z, 12, tf.nn.relu, name="dec1")
    decoded = tf.layers.dense(v, 20, name="dec2")
    ae_loss = tf.losses.mean_squared_error(x, decoded)
    tf.train.AdamOptimizer(1e-3).minimize(ae_loss)
    mu = tf.get_variable("mu", [3, 4])
    dist = tf.reduce_sum(tf.square(z[:, None] - mu[None]), 2)
    q = 1.0 / (1.0 + dist)
    q = q / tf.reduce_sum(q, axis=1, keepdims=True)
    pred = tf.argmax(q, 1)
    kl = tf.reduce_sum(p * tf.log(p / q))
    enc = [t for t in tf.trainable_variables() if "enc" in t.name]
    tf.train.AdamOptimizer(1e-4).minimize(kl, var_list=[*enc, mu])
    return [[pred, q], [z], [decoded]]


def causal_series(tf):
    """A TCN: dilated, causal, residual; the last step's output is the forecast."""
    x = tf.placeholder(tf.float32, [None, 16, 2], "inputs")
    y = tf.placeholder(tf.float32, [None, 1], "labels")
    is_training = tf.placeholder("bool")
    v = x
    for i in range(2):
        pad = 2 * 2**i
        h = tf.pad(v, [[0, 0], [pad, 0], [0, 0]])
        h = tf.nn.relu(tf.layers.conv1d(h, 8, 3, dilation_rate=2**i, name=f"conv{i}"))
        h = tf.layers.dropout(h, 0.2, noise_shape=[1, 1, 8], training=is_training)
        v = tf.nn.relu(h + (tf.layers.conv1d(v, 8, 1, name=f"down{i}") if i == 0 else v))
    prediction = tf.layers.dense(v[:, -1], 1)
    loss = tf.reduce_mean(tf.squared_difference(prediction, y))
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[prediction]]


def quantiles(tf):
    """One network, three quantiles, the tilted loss of each."""
    inputs = tf.placeholder(tf.float32, [None, 1], "inputs")
    truth = tf.placeholder(tf.float32, [None, 1], "truth")
    h = tf.layers.dense(inputs, 16, tf.nn.relu)
    outputs, losses = [], []
    for i, q in enumerate((0.1, 0.5, 0.9)):
        output = tf.layers.dense(h, 1, name=f"{i}_q{int(q * 100)}")
        error = tf.subtract(truth, output)
        losses.append(tf.reduce_mean(tf.maximum(q * error, (q - 1) * error), axis=-1))
        outputs.append(output)
    combined = tf.reduce_mean(tf.add_n(losses))
    tf.train.AdamOptimizer(0.01).minimize(combined)
    return [[each] for each in outputs]


def bent_line(tf):
    """A polynomial by hand: the sum is the prediction."""
    X = tf.placeholder(tf.float32, name="X")
    Y = tf.placeholder(tf.float32, name="Y")
    Y_pred = tf.Variable(tf.random_normal([1]), name="bias")
    for i in range(1, 4):
        W = tf.Variable(tf.random_normal([1]), name=f"weight_{i}")
        Y_pred = tf.add(tf.multiply(tf.pow(X, i), W), Y_pred)
    cost = tf.reduce_sum(tf.pow(Y_pred - Y, 2)) / 49
    tf.train.GradientDescentOptimizer(0.01).minimize(cost)
    return [[Y_pred]]


def radial_functions(tf):
    """An RBF network: distances to trained centres, then a line."""
    x = tf.placeholder(tf.float32, [None, 3], "x")
    t = tf.placeholder(tf.float32, [None, 1], "t")
    centres = tf.get_variable("centres", [6, 3])
    beta = tf.get_variable("beta", [6], initializer=tf.ones_initializer())
    dist = tf.reduce_sum(tf.square(tf.expand_dims(x, 1) - centres), 2)
    phi = tf.exp(-beta * dist)
    w = tf.get_variable("w", [6, 1])
    y = tf.matmul(phi, w)
    loss = tf.reduce_mean(tf.square(t - y))
    tf.train.AdamOptimizer(0.01).minimize(loss)
    return [[y]]
