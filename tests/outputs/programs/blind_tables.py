"""Rows, graphs and ratings, by a second author, the truth written first (see `programs.py`)."""


def margin_of_flowers(tf):
    """McClure's linear SVM: the sign is predicted from the output that the hinge takes."""
    x_data = tf.placeholder(shape=[None, 2], dtype=tf.float32)
    y_target = tf.placeholder(shape=[None, 1], dtype=tf.float32)
    A = tf.Variable(tf.random_normal(shape=[2, 1]))
    b = tf.Variable(tf.random_normal(shape=[1, 1]))
    model_output = tf.subtract(tf.matmul(x_data, A), b)
    l2_norm = tf.reduce_sum(tf.square(A))
    hinge = tf.maximum(0.0, tf.subtract(1.0, tf.multiply(model_output, y_target)))
    loss = tf.add(tf.reduce_mean(hinge), tf.multiply(tf.constant([0.01]), l2_norm))
    prediction = tf.sign(model_output)
    tf.reduce_mean(tf.cast(tf.equal(prediction, y_target), tf.float32))
    tf.train.GradientDescentOptimizer(0.01).minimize(loss)
    return [[prediction, model_output]]


def means_of_clusters(tf):
    """k-means as variables: assignments moved, centroids averaged."""
    points = tf.placeholder(tf.float32, [None, 2], name="points")
    centroids = tf.Variable(tf.random_uniform([3, 2]), name="centroids")
    expanded = tf.expand_dims(points, 0) - tf.expand_dims(centroids, 1)
    distances = tf.reduce_sum(tf.square(expanded), 2)
    assignments = tf.argmin(distances, 0)
    means = []
    for c in range(3):
        rows = tf.reshape(tf.where(tf.equal(assignments, c)), [1, -1])
        means.append(tf.reduce_mean(tf.gather(points, rows), axis=[1]))
    tf.assign(centroids, tf.concat(means, 0))
    return [[assignments, distances]]


def self_organising(tf):
    """A map of Kohonen: the best matching unit's place."""
    vect = tf.placeholder(tf.float32, [3], name="vect")
    it = tf.placeholder(tf.float32, name="iter")
    weights = tf.Variable(tf.random_normal([20, 3]), name="weightage")
    locations = tf.constant([[i // 5, i % 5] for i in range(20)], tf.int64)
    diff = tf.subtract(weights, tf.stack([vect for _ in range(20)]))
    bmu = tf.argmin(tf.sqrt(tf.reduce_sum(tf.pow(diff, 2), 1)), 0)
    slice_input = tf.pad(tf.reshape(bmu, [1]), [[0, 1]])
    bmu_loc = tf.reshape(tf.slice(locations, slice_input, tf.constant([1, 2], tf.int64)), [2])
    rate_op = tf.subtract(1.0, tf.div(it, 100.0))
    away = tf.reduce_sum(tf.pow(tf.subtract(locations, tf.stack([bmu_loc] * 20)), 2), 1)
    neighbourhood = tf.exp(tf.negative(tf.div(tf.cast(away, tf.float32), tf.pow(rate_op * 2.0, 2))))
    rate = tf.expand_dims(rate_op * 0.3 * neighbourhood, 1)
    delta = tf.multiply(rate, tf.subtract(tf.stack([vect] * 20), weights))
    tf.assign(weights, tf.add(weights, delta))
    return [[bmu_loc, bmu]]


def deep_factors(tf):
    """DeepFM: first order, pairs and a deep part joined; its sigmoid in the loss's block."""
    feat_index = tf.placeholder(tf.int32, shape=[None, None], name="feat_index")
    feat_value = tf.placeholder(tf.float32, shape=[None, None], name="feat_value")
    label = tf.placeholder(tf.float32, shape=[None, 1], name="label")
    keep_fm = tf.placeholder(tf.float32, shape=[None], name="dropout_keep_fm")
    keep_deep = tf.placeholder(tf.float32, shape=[None], name="dropout_keep_deep")
    table = tf.Variable(tf.random_normal([40, 4]), name="feature_embeddings")
    bias = tf.Variable(tf.random_uniform([40, 1]), name="feature_bias")
    embeddings = tf.nn.embedding_lookup(table, feat_index)
    value = tf.reshape(feat_value, shape=[-1, 5, 1])
    embeddings = tf.multiply(embeddings, value)
    first = tf.reduce_sum(tf.multiply(tf.nn.embedding_lookup(bias, feat_index), value), 2)
    first = tf.nn.dropout(first, keep_fm[0])
    summed = tf.square(tf.reduce_sum(embeddings, 1))
    squared = tf.reduce_sum(tf.square(embeddings), 1)
    second = tf.nn.dropout(0.5 * tf.subtract(summed, squared), keep_fm[1])
    deep = tf.nn.dropout(tf.reshape(embeddings, shape=[-1, 20]), keep_deep[0])
    w, b = tf.Variable(tf.random_normal([20, 8])), tf.Variable(tf.random_normal([1, 8]))
    deep = tf.nn.dropout(tf.nn.relu(tf.add(tf.matmul(deep, w), b)), keep_deep[1])
    joined = tf.concat([first, second, deep], axis=1)
    projection = tf.Variable(tf.random_normal([17, 1]), name="concat_projection")
    out = tf.add(tf.matmul(joined, projection), tf.Variable(tf.constant(0.01), name="concat_bias"))
    out = tf.nn.sigmoid(out)
    loss = tf.losses.log_loss(label, out)
    tf.train.AdamOptimizer(1e-3, beta1=0.9).minimize(loss)
    return [[out, out.op.inputs[0]]]


def biased_ratings(tf):
    """SVD of users and items: `infer` is a sum of biases and products."""
    user_batch = tf.placeholder(tf.int32, shape=[None], name="id_user")
    item_batch = tf.placeholder(tf.int32, shape=[None], name="id_item")
    rate_batch = tf.placeholder(tf.float32, shape=[None])
    bias_global = tf.get_variable("bias_global", shape=[])
    bu = tf.nn.embedding_lookup(tf.get_variable("embd_bias_user", shape=[30]), user_batch)
    bi = tf.nn.embedding_lookup(tf.get_variable("embd_bias_item", shape=[40]), item_batch)
    eu = tf.nn.embedding_lookup(tf.get_variable("embd_user", shape=[30, 5]), user_batch)
    ei = tf.nn.embedding_lookup(tf.get_variable("embd_item", shape=[40, 5]), item_batch)
    infer = tf.reduce_sum(tf.multiply(eu, ei), 1)
    infer = tf.add(infer, bias_global)
    infer = tf.add(infer, bu)
    infer = tf.add(infer, bi, name="svd_inference")
    regularizer = tf.add(tf.nn.l2_loss(eu), tf.nn.l2_loss(ei), name="svd_regularizer")
    step = tf.train.get_or_create_global_step()
    cost_l2 = tf.nn.l2_loss(tf.subtract(infer, rate_batch))
    cost = tf.add(cost_l2, tf.multiply(regularizer, tf.constant(0.05), name="l2"))
    tf.train.AdamOptimizer(1e-3).minimize(cost, global_step=step)
    return [[infer]]


def pairwise_ranking(tf):
    """BPR: a user likes i more than j; the scores of i are fetched."""
    u = tf.placeholder(tf.int32, [None])
    i = tf.placeholder(tf.int32, [None])
    j = tf.placeholder(tf.int32, [None])
    user_w = tf.get_variable("user_emb_w", [31, 6])
    item_w = tf.get_variable("item_emb_w", [41, 6])
    item_b = tf.get_variable("item_b", [41, 1])
    u_emb = tf.nn.embedding_lookup(user_w, u)
    i_emb, i_b = tf.nn.embedding_lookup(item_w, i), tf.nn.embedding_lookup(item_b, i)
    j_emb, j_b = tf.nn.embedding_lookup(item_w, j), tf.nn.embedding_lookup(item_b, j)
    x = i_b - j_b + tf.reduce_sum(tf.multiply(u_emb, (i_emb - j_emb)), 1, keep_dims=True)
    auc = tf.reduce_mean(tf.to_float(x > 0))
    norms = [tf.reduce_sum(tf.multiply(e, e)) for e in (u_emb, i_emb, j_emb)]
    loss = 0.0001 * tf.add_n(norms) - tf.reduce_mean(tf.log(tf.sigmoid(x)))
    tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    tf.summary.scalar("auc", auc)
    return [[x]]


def conversions_of_clicks(tf):
    """ESMM: the chance to buy is that to click times that to buy after it."""
    features = tf.placeholder(tf.float32, [None, 12], name="features")
    click = tf.placeholder(tf.float32, [None, 1], name="click")
    buy = tf.placeholder(tf.float32, [None, 1], name="conversion")
    with tf.variable_scope("shared"):
        shared = tf.layers.dense(features, 16, tf.nn.relu)

    def tower(name):
        with tf.variable_scope(name):
            h = tf.layers.dense(shared, 8, tf.nn.relu)
            return tf.nn.sigmoid(tf.layers.dense(h, 1))

    pctr, pcvr = tower("ctr_model"), tower("cvr_model")
    pctcvr = tf.multiply(pctr, pcvr, name="ctcvr_preds")
    ctr_loss = tf.reduce_mean(tf.keras.losses.binary_crossentropy(click, pctr))
    ctcvr_loss = tf.reduce_mean(tf.keras.losses.binary_crossentropy(buy, pctcvr))
    tf.train.AdamOptimizer(1e-3).minimize(ctr_loss + ctcvr_loss)
    return [[pctcvr], [pctr], [pcvr]]


def next_in_session(tf):
    """GRU4Rec: negatives are the others of the batch in training; all items in prediction."""
    X = tf.placeholder(tf.int32, [8], name="input")
    Y = tf.placeholder(tf.int32, [8], name="output")
    state = tf.placeholder(tf.float32, [8, 10], name="rnn_state")
    step = tf.Variable(0, name="global_step", trainable=False)
    with tf.variable_scope("gru_layer"):
        table = tf.get_variable("embedding", [50, 10])
        softmax_w = tf.get_variable("softmax_w", [50, 10])
        softmax_b = tf.get_variable("softmax_b", [50])
        cell = tf.nn.rnn_cell.GRUCell(10)
        output, _final = cell(tf.nn.embedding_lookup(table, X), state)
    sampled_w = tf.nn.embedding_lookup(softmax_w, Y)
    sampled_b = tf.nn.embedding_lookup(softmax_b, Y)
    logits = tf.matmul(output, sampled_w, transpose_b=True) + sampled_b
    yhat_train = tf.nn.softmax(tf.tanh(logits))
    cost = tf.reduce_mean(-tf.log(tf.diag_part(yhat_train) + 1e-24))
    tf.train.AdamOptimizer(1e-3).minimize(cost, global_step=step)
    all_logits = tf.matmul(output, softmax_w, transpose_b=True) + softmax_b
    yhat = tf.nn.softmax(tf.tanh(all_logits))
    return [[yhat, all_logits]]


def chances_of_demand(tf):
    """DeepAR: a mean and a width at every step of a window."""
    x = tf.placeholder(tf.float32, [None, 12, 3], name="covariates")
    z = tf.placeholder(tf.float32, [None, 12], name="demand")
    prev = tf.pad(z[:, :-1], [[0, 0], [1, 0]])
    rnn_in = tf.concat([x, prev[:, :, None]], 2)
    out, _ = tf.nn.dynamic_rnn(tf.nn.rnn_cell.LSTMCell(8), rnn_in, dtype=tf.float32)
    mu = tf.squeeze(tf.layers.dense(out, 1, name="mu"), 2)
    sigma = tf.squeeze(tf.layers.dense(out, 1, tf.nn.softplus, name="sigma"), 2) + 1e-3
    nll = 0.5 * tf.log(6.2832 * tf.square(sigma)) + tf.square(z - mu) / (2 * tf.square(sigma))
    tf.train.AdamOptimizer(1e-3).minimize(tf.reduce_mean(nll))
    return [[mu], [sigma]]


def odd_sequences(tf):
    """An autoencoder of windows: what it gives back, and how far that is off."""
    inputs = tf.placeholder(tf.float32, [None, 10, 4], name="p_input")
    targets = tf.unstack(inputs, axis=1)
    with tf.variable_scope("encoder"):
        cell = tf.nn.rnn_cell.LSTMCell(6)
        _, state = tf.nn.static_rnn(cell, targets, dtype=tf.float32)
    with tf.variable_scope("decoder"):
        w = tf.Variable(tf.truncated_normal([6, 4]), name="dec_weight")
        b = tf.Variable(tf.constant(0.1, shape=[4]), name="dec_bias")
        zeros = [tf.zeros_like(t) for t in targets]
        dec, _ = tf.nn.static_rnn(tf.nn.rnn_cell.LSTMCell(6), zeros, initial_state=state)
        dec = tf.transpose(tf.stack(dec[::-1]), [1, 0, 2])
        output = tf.matmul(dec, tf.tile(tf.expand_dims(w, 0), [tf.shape(inputs)[0], 1, 1])) + b
    loss = tf.reduce_mean(tf.square(inputs - output))
    tf.train.AdamOptimizer().minimize(loss)
    return [[output]]


def edges_restored(tf):
    """A graph autoencoder: logits of all edges by products of embeddings."""
    features = tf.sparse_placeholder(tf.float32, name="features")
    adj = tf.sparse_placeholder(tf.float32, name="adj")
    orig = tf.sparse_placeholder(tf.float32, name="adj_orig")
    dropout = tf.placeholder_with_default(0.0, shape=(), name="dropout")

    def weights(a, b, name):
        with tf.variable_scope(name + "_vars"):
            return tf.get_variable("weights", [a, b])

    with tf.name_scope("gcnsparselayer"):
        x = tf.sparse_tensor_dense_matmul(features, weights(20, 8, "l1"))
        hidden = tf.nn.relu(tf.sparse_tensor_dense_matmul(adj, x))
    with tf.name_scope("gcndenselayer"):
        x = tf.matmul(tf.nn.dropout(hidden, 1 - dropout), weights(8, 4, "l2"))
        embeddings = tf.sparse_tensor_dense_matmul(adj, x)
    with tf.name_scope("decoder"):
        x = tf.matmul(embeddings, tf.transpose(embeddings))
        reconstructions = tf.reshape(x, [-1])
    with tf.name_scope("optimizer"):
        labels = tf.reshape(tf.sparse_tensor_to_dense(orig, validate_indices=False), [-1])
        cost = tf.reduce_mean(
            tf.nn.weighted_cross_entropy_with_logits(
                logits=reconstructions, labels=labels, pos_weight=2.0
            )
        )
        tf.train.AdamOptimizer(0.01).minimize(cost)
        correct = tf.equal(
            tf.cast(tf.greater_equal(tf.sigmoid(reconstructions), 0.5), tf.int32),
            tf.cast(labels, tf.int32),
        )
        tf.reduce_mean(tf.cast(correct, tf.float32))
    return [[embeddings], [reconstructions, x]]


def forest_of_decisions(tf):
    """A soft tree: routes times leaves, the chance of each class."""
    X = tf.placeholder("float", [None, 20])
    Y = tf.placeholder("float", [None, 4])
    w = tf.Variable(tf.random_normal([20, 16], stddev=0.01))
    w_d = tf.Variable(tf.random_normal([16, 3], stddev=0.01))
    w_l = tf.Variable(tf.random_uniform([4, 4], -2, 2))
    h = tf.nn.dropout(tf.nn.relu(tf.matmul(X, w)), 0.9)
    decision_p = tf.nn.sigmoid(tf.matmul(h, w_d))
    left, right = decision_p, 1 - decision_p
    mu = [left[:, 0] * left[:, 1], left[:, 0] * right[:, 1],
          right[:, 0] * left[:, 2], right[:, 0] * right[:, 2]]  # fmt: skip
    mu = tf.stack(mu, 1)
    leaf_p = tf.nn.softmax(w_l)
    py_x = tf.reduce_sum(mu[:, :, None] * leaf_p[None], 1)
    cost = tf.reduce_mean(-tf.reduce_sum(Y * tf.log(py_x + 1e-9), 1))
    tf.train.RMSPropOptimizer(0.001, 0.9).minimize(cost)
    predict = tf.argmax(py_x, 1)
    return [[predict, py_x]]


def learned_descent(tf):
    """Learning to learn: a recurrent optimizer unrolled on a toy; its last place is fetched."""
    w = tf.placeholder(tf.float32, [4, 5, 5], name="w")
    y = tf.placeholder(tf.float32, [4, 5], name="y")
    x = tf.placeholder(tf.float32, [4, 5], name="x0")
    cell = tf.nn.rnn_cell.LSTMCell(6)
    state = cell.zero_state(20, tf.float32)
    losses = []
    for t in range(3):
        residual = tf.squeeze(tf.matmul(w, x[:, :, None]), 2) - y
        losses.append(tf.reduce_mean(tf.reduce_sum(residual**2, 1)))
        grad = tf.stop_gradient(tf.gradients(losses[-1], x)[0])
        with tf.variable_scope("optimizer_net", reuse=t > 0):
            out, state = cell(tf.reshape(grad, [20, 1]), state)
            delta = tf.layers.dense(out, 1, name="delta", reuse=t > 0)
        x = x + 0.1 * tf.reshape(delta, [4, 5])
    tf.train.AdamOptimizer(1e-3).minimize(tf.add_n(losses))
    return [[x]]


def keras_in_one_graph(tf):
    """tf.keras layers called by a TensorFlow 1 program."""
    img = tf.placeholder(tf.float32, shape=(None, 784))
    labels = tf.placeholder(tf.float32, shape=(None, 10))
    model = tf.keras.models.Sequential()
    model.add(tf.keras.layers.Dense(16, activation="relu", input_dim=784))
    model.add(tf.keras.layers.Dropout(0.5))
    model.add(tf.keras.layers.Dense(10, activation="softmax"))
    preds = model(img)
    loss = tf.reduce_mean(tf.keras.losses.categorical_crossentropy(labels, preds))
    tf.train.GradientDescentOptimizer(0.5).minimize(loss)
    tf.reduce_mean(tf.keras.metrics.categorical_accuracy(labels, preds))
    return [[preds, preds.op.inputs[0]]]


def bolted_pretraining(tf):
    """A masked autoencoder, tied weights, one more head fine-tuned on its code."""
    x = tf.placeholder("float", [None, 30], name="x-input")
    y_ = tf.placeholder("float", [None, 3], name="y-input")
    keep_prob = tf.placeholder("float")
    W = tf.Variable(tf.random_uniform([30, 8], -0.1, 0.1), name="weights")
    b, b_out = tf.Variable(tf.zeros([8])), tf.Variable(tf.zeros([30]))
    hidden = tf.nn.sigmoid(tf.matmul(tf.nn.dropout(x, keep_prob), W) + b)
    rec = tf.nn.sigmoid(tf.matmul(hidden, tf.transpose(W)) + b_out)
    rec_cost = -tf.reduce_mean(x * tf.log(rec + 1e-9) + (1 - x) * tf.log(1 - rec + 1e-9))
    tf.train.AdamOptimizer(1e-3).minimize(rec_cost)
    W2, b2 = tf.Variable(tf.zeros([8, 3])), tf.Variable(tf.zeros([3]))
    y = tf.nn.softmax(tf.matmul(hidden, W2) + b2)
    cost = -tf.reduce_sum(y_ * tf.log(y))
    tf.train.AdamOptimizer(1e-4).minimize(cost)
    return [[y], [rec]]
