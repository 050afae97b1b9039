"""The rest of the ninth blind set: written after the eighth was mended."""


def _of(tf, scope):
    return tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope=scope)


def keras_with_two_inputs(tf):
    """Factorisation by Keras: two embeddings, a product of both, a regression."""
    layers = tf.keras.layers
    user, item = tf.keras.Input((1,), name="user"), tf.keras.Input((1,), name="item")
    u = layers.Flatten()(layers.Embedding(30, 5)(user))
    v = layers.Flatten()(layers.Embedding(20, 5)(item))
    dot = layers.Dot(axes=1)([u, v])
    b = layers.add([layers.Flatten()(layers.Embedding(30, 1)(user)), dot])
    model = tf.keras.Model([user, item], b)
    model.compile("adam", "mse")
    model._make_train_function()
    return [[model.output]]


def keras_autoencoder(tf):
    """An autoencoder of Keras, and an encoder that is a model of its own."""
    layers = tf.keras.layers
    x = tf.keras.Input((28, 28, 1))
    h = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(x)
    code = layers.Dense(8, name="code")(layers.Flatten()(h))
    d = layers.Reshape((14, 14, 8))(layers.Dense(14 * 14 * 8, activation="relu")(code))
    d = layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid")(d)
    model, _ = tf.keras.Model(x, d), tf.keras.Model(x, code)
    model.compile("adadelta", "binary_crossentropy")
    model._make_train_function()
    return [[model.output, model.output.op.inputs[0]], [code]]


def keras_gan_of_digits(tf):
    """A GAN of Keras: a discriminator compiled, then frozen below a combined model."""
    layers, Adam = tf.keras.layers, tf.keras.optimizers.Adam
    d = tf.keras.Sequential(
        [
            layers.Flatten(input_shape=(14, 14, 1)),
            layers.Dense(16),
            layers.LeakyReLU(0.2),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    d.compile(Adam(2e-4, 0.5), "binary_crossentropy", ["accuracy"])
    g = tf.keras.Sequential(
        [
            layers.Dense(16, input_dim=10),
            layers.LeakyReLU(0.2),
            layers.BatchNormalization(momentum=0.8),
            layers.Dense(196, activation="tanh"),
            layers.Reshape((14, 14, 1)),
        ]
    )
    d._make_train_function()
    z = tf.keras.Input((10,))
    d.trainable = False
    image = g(z)
    combined = tf.keras.Model(z, d(image))
    combined.compile(Adam(2e-4, 0.5), "binary_crossentropy")
    combined._make_train_function()
    return [[g.output, g.output.op.inputs[0], image, image.op.inputs[0]]]


def estimator_of_two_heads(tf):
    """A multi-head estimator in EVAL mode: losses added, metrics of each head."""
    x = tf.placeholder(tf.float32, [None, 6], "features")
    y1 = tf.placeholder(tf.int64, [None, 1], "labels/colour")
    y2 = tf.placeholder(tf.float32, [None, 1], "labels/price")
    with tf.variable_scope("dnn"):
        h = tf.layers.dense(x, 8, tf.nn.relu, name="hiddenlayer_0")
        logits = tf.layers.dense(h, 5, name="logits")
    colour, price = logits[:, :4], logits[:, 4:]
    with tf.name_scope("multi_head/colour_head"):
        ids = tf.argmax(colour, 1, name="predictions/class_ids")
        probs = tf.nn.softmax(colour, name="predictions/probabilities")
        l1 = tf.losses.sparse_softmax_cross_entropy(tf.squeeze(y1, 1), colour)
        tf.metrics.accuracy(tf.squeeze(y1, 1), ids)
    with tf.name_scope("multi_head/price_head"):
        value = tf.identity(price, name="predictions/value")
        l2 = tf.losses.mean_squared_error(y2, price)
        tf.metrics.mean(l2)
    tf.add(l1, l2, name="multi_head/loss")
    tf.train.get_or_create_global_step()
    return [[probs, ids, colour], [value, price], [logits]]


def mapped_to_maps(tf):
    """Translation of pictures with a feature-matching loss and two scales of discriminators."""
    label = tf.placeholder(tf.float32, [1, 32, 32, 3], "label")
    real = tf.placeholder(tf.float32, [1, 32, 32, 3], "image")
    with tf.variable_scope("gen"):
        h = tf.nn.relu(tf.layers.conv2d(label, 8, 3, 2, "same"))
        h += tf.layers.conv2d(h, 8, 3, 1, "same")
        h = tf.nn.relu(tf.layers.conv2d_transpose(h, 8, 3, 2, "same"))
        fake = tf.tanh(tf.layers.conv2d(h, 3, 7, 1, "same"))

    def disc(image):
        outs = []
        for scale in range(2):
            with tf.variable_scope(f"dis_{scale}", reuse=tf.AUTO_REUSE):
                v = tf.concat([label, image], 3)
                v = tf.nn.avg_pool(v, [1, 2, 2, 1], [1, 2, 2, 1], "SAME") if scale else v
                f = tf.nn.leaky_relu(tf.layers.conv2d(v, 8, 4, 2, name="a"))
                outs.append((f, tf.layers.conv2d(f, 1, 4, 1, name="b")))
        return outs

    r, f = disc(real), disc(fake)
    d_loss = sum(tf.reduce_mean(tf.square(x[1] - 1)) for x in r)
    d_loss += sum(tf.reduce_mean(tf.square(x[1])) for x in f)
    g_loss = sum(tf.reduce_mean(tf.square(x[1] - 1)) for x in f)
    g_loss += 10 * sum(tf.reduce_mean(tf.abs(a[0] - b[0])) for a, b in zip(r, f, strict=True))
    tf.train.AdamOptimizer(2e-4, 0.5).minimize(g_loss, var_list=_of(tf, "gen"))
    tf.train.AdamOptimizer(2e-4, 0.5).minimize(d_loss, var_list=_of(tf, "dis"))
    return [[fake, fake.op.inputs[0]]]


def enlarged_by_residuals(tf):
    """EDSR: the mean taken off and put on, an L1 loss, a clipped picture to look at."""
    x = tf.placeholder(tf.float32, [None, None, None, 3], "input")
    y = tf.placeholder(tf.float32, [None, None, None, 3], "target")
    h = skip = tf.layers.conv2d(x - 127.0, 8, 3, 1, "same")
    for _ in range(2):
        b = tf.layers.conv2d(tf.nn.relu(tf.layers.conv2d(h, 8, 3, 1, "same")), 8, 3, 1, "same")
        h = h + 0.1 * b
    h = tf.layers.conv2d(h, 8, 3, 1, "same") + skip
    h = tf.depth_to_space(tf.layers.conv2d(h, 32, 3, 1, "same"), 2)
    out = tf.layers.conv2d(h, 3, 3, 1, "same") + 127.0
    shown = tf.clip_by_value(out, 0.0, 255.0)
    loss = tf.reduce_mean(tf.losses.absolute_difference(y, out))
    mse = tf.reduce_mean(tf.squared_difference(y, out))
    psnr = 10 * tf.log(255.0**2 / mse) / 2.302585
    tf.summary.scalar("psnr", psnr)
    tf.summary.image("output_image", tf.cast(shown, tf.uint8))
    tf.train.AdamOptimizer(1e-4).minimize(loss)
    return [[out, shown]]


def joints_by_coordinates(tf):
    """Poses regressed in three stages, visibilities masked; the last stage's coordinates."""
    x = tf.placeholder(tf.float32, [None, 64, 64, 3], "x")
    gt = tf.placeholder(tf.float32, [None, 28], "joints")
    vis = tf.placeholder(tf.float32, [None, 28], "is_visible")
    keep = tf.placeholder(tf.float32, [], "keep_prob")
    h = tf.layers.conv2d(x, 8, 5, 4, activation=tf.nn.relu)
    h = tf.layers.flatten(tf.layers.max_pooling2d(h, 3, 3))
    h = tf.nn.dropout(tf.layers.dense(h, 32, tf.nn.relu), keep)
    joints = tf.layers.dense(h, 28, name="fc_regression")
    diff = (joints - gt) * vis
    loss = tf.reduce_sum(tf.square(diff)) / (2.0 * tf.reduce_sum(vis) + 1e-5)
    tf.train.AdagradOptimizer(5e-4).minimize(loss)
    return [[joints]]


def words_predicted_around(tf):
    """Skip-grams with noise contrast, words similar to some found by the graph."""
    words = tf.placeholder(tf.int32, [16], "inputs")
    labels = tf.placeholder(tf.int32, [16, 1], "labels")
    embeddings = tf.Variable(tf.random_uniform([60, 8], -1.0, 1.0), name="embeddings")
    embed = tf.nn.embedding_lookup(embeddings, words)
    w = tf.Variable(tf.truncated_normal([60, 8], stddev=0.3))
    b = tf.Variable(tf.zeros([60]))
    loss = tf.reduce_mean(tf.nn.nce_loss(w, b, labels, embed, 8, 60))
    tf.train.GradientDescentOptimizer(1.0).minimize(loss)
    norm = tf.sqrt(tf.reduce_sum(tf.square(embeddings), 1, keepdims=True))
    normalized = tf.divide(embeddings, norm, name="normalized_embeddings")
    valid = tf.placeholder(tf.int32, [None], "valid_dataset")
    found = tf.nn.embedding_lookup(normalized, valid)
    similarity = tf.matmul(found, normalized, transpose_b=True)
    nearest = tf.nn.top_k(similarity, 5)
    return [[normalized], [similarity, nearest.indices]]


def double_and_duelling(tf):
    """Double Q with duelling streams, weights of importance, argmax for acting."""
    ids = {}
    for scope in ("online", "target"):
        with tf.variable_scope(scope):
            s = tf.placeholder(tf.float32, [None, 6], f"{scope}_state")
            h = tf.layers.dense(s, 16, tf.nn.elu)
            v, a = tf.layers.dense(h, 1), tf.layers.dense(h, 4)
            q = v + tf.subtract(a, tf.reduce_mean(a, axis=1, keepdims=True))
            ids[scope] = q
    action = tf.argmax(ids["online"], 1)
    acts = tf.placeholder(tf.float32, [None, 4], "actions")
    target = tf.placeholder(tf.float32, [None], "target_q")
    isw = tf.placeholder(tf.float32, [None, 1], "is_weights")
    q = tf.reduce_sum(ids["online"] * acts, axis=1)
    absolute = tf.abs(target - q)
    loss = tf.reduce_mean(isw * tf.squared_difference(target, q))
    tf.train.RMSPropOptimizer(2.5e-4).minimize(loss)
    tf.summary.scalar("td", tf.reduce_mean(absolute))
    pairs = zip(_of(tf, "online"), _of(tf, "target"), strict=True)
    _ = [t.assign(o) for o, t in pairs]
    return [[ids["online"], action]]


def sequence_by_transducer(tf):
    """Phonemes by a stacked recurrent net, CTC, a beam and its error beside."""
    x = tf.placeholder(tf.float32, [16, None, 8], "features")
    lengths = tf.placeholder(tf.int32, [None], "lengths")
    indices = tf.placeholder(tf.int64, [None, 2])
    values, shape = tf.placeholder(tf.int32, [None]), tf.placeholder(tf.int64, [2])
    targets = tf.SparseTensor(indices, values, shape)
    steps = tf.unstack(x, axis=0)
    cells = tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.GRUCell(8) for _ in range(2)])
    outs, _ = tf.nn.static_rnn(cells, steps, dtype=tf.float32)
    w, b = tf.get_variable("w", [8, 12]), tf.get_variable("b", [12])
    logits = tf.stack([tf.matmul(o, w) + b for o in outs])
    loss = tf.reduce_mean(tf.nn.ctc_loss(targets, logits, lengths))
    tf.train.MomentumOptimizer(0.01, 0.9).minimize(loss)
    decoded, _ = tf.nn.ctc_beam_search_decoder(logits, lengths, merge_repeated=False)
    found = tf.to_int32(decoded[0])
    tf.reduce_sum(tf.edit_distance(found, targets, normalize=False))
    return [[decoded[0].values, found.values], [logits]]
