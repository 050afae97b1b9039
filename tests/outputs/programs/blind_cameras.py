"""Pictures, a third blind set: written after the second was mended (see `programs.py`)."""


def _conv(tf, x, n, k=3, s=1, act=True, name=None):
    activation = tf.nn.relu if act else None
    return tf.layers.conv2d(x, n, k, s, "same", activation=activation, name=name)


def mnist_by_estimator(tf):
    """The cnn_mnist tutorial's model_fn in training."""
    features, labels = tf.train.batch(
        [tf.constant(0.5, shape=[784]), tf.constant(1, tf.int32)], batch_size=8
    )
    step = tf.train.get_or_create_global_step()
    v = tf.reshape(features, [-1, 28, 28, 1])
    v = tf.layers.max_pooling2d(_conv(tf, v, 8, 5), 2, 2)
    v = tf.layers.max_pooling2d(_conv(tf, v, 8, 5), 2, 2)
    v = tf.layers.dense(tf.reshape(v, [-1, 7 * 7 * 8]), 16, tf.nn.relu)
    dropout = tf.layers.dropout(v, 0.4, training=True)
    logits = tf.layers.dense(dropout, 10)
    classes = tf.argmax(input=logits, axis=1)
    probabilities = tf.nn.softmax(logits, name="softmax_tensor")
    loss = tf.losses.sparse_softmax_cross_entropy(labels=labels, logits=logits)
    tf.train.GradientDescentOptimizer(0.001).minimize(loss=loss, global_step=step)
    return [[classes, probabilities, logits]]


def alex_fine_tuned(tf):
    """kratzert's AlexNet: only the last layers are trained, grouped convolutions."""
    x = tf.placeholder(tf.float32, [8, 32, 32, 3])
    y = tf.placeholder(tf.float32, [None, 3])
    keep_prob = tf.placeholder(tf.float32)

    def group(x, n, name):
        with tf.variable_scope(name) as scope:
            w = tf.get_variable("weights", [3, 3, int(x.shape[-1]) // 2, n], trainable=False)
            b = tf.get_variable("biases", [n], trainable=False)
            parts = zip(tf.split(x, 2, 3), tf.split(w, 2, 3), strict=True)
            conv = tf.concat([tf.nn.conv2d(i, k, [1, 2, 2, 1], "SAME") for i, k in parts], 3)
            return tf.nn.relu(tf.reshape(tf.nn.bias_add(conv, b), tf.shape(conv)), name=scope.name)

    def fc(x, n, name, relu=True):
        with tf.variable_scope(name) as scope:
            w, b = tf.get_variable("weights", [int(x.shape[1]), n]), tf.get_variable("biases", [n])
            act = tf.nn.xw_plus_b(x, w, b, name=scope.name)
            return tf.nn.relu(act) if relu else act

    v = tf.concat([x, x[..., :1]], 3)
    v = group(group(v, 8, "conv1"), 8, "conv2")
    flat = tf.reshape(v, [-1, 8 * 8 * 8])
    fc7 = tf.nn.dropout(fc(flat, 16, "fc7"), keep_prob)
    score = fc(fc7, 3, "fc8", False)
    var_list = [v for v in tf.trainable_variables() if v.name.split("/")[0] in ("fc7", "fc8")]
    with tf.name_scope("cross_ent"):
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=score, labels=y))
    with tf.name_scope("train"):
        gradients = list(zip(tf.gradients(loss, var_list), var_list, strict=True))
        tf.train.GradientDescentOptimizer(0.01).apply_gradients(grads_and_vars=gradients)
    with tf.name_scope("accuracy"):
        correct = tf.equal(tf.argmax(score, 1), tf.argmax(y, 1))
        tf.reduce_mean(tf.cast(correct, tf.float32))
    return [[score]]


def dense_blocks(tf):
    """DenseNet with batch norm by a cond on a placeholder, momentum, weight decay in the loss."""
    x = tf.placeholder(tf.float32, shape=[None, 32, 32, 3])
    label = tf.placeholder(tf.float32, shape=[None, 10])
    flag = tf.placeholder(tf.bool)

    def bn(v, scope):
        with tf.variable_scope(scope):
            return tf.cond(
                flag,
                lambda: tf.layers.batch_normalization(v, training=True, name="bn"),
                lambda: tf.layers.batch_normalization(v, training=False, name="bn", reuse=True),
            )

    v = _conv(tf, x, 8, 7, 4, act=False, name="conv0")
    for i in range(3):
        h = tf.nn.relu(bn(v, f"dense_{i}"))
        v = tf.concat([v, _conv(tf, h, 4, act=False, name=f"dense_{i}_conv")], 3)
    v = tf.reduce_mean(tf.nn.relu(bn(v, "linear_batch")), [1, 2])
    logits = tf.layers.dense(v, 10, name="linear")
    cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=label, logits=logits))
    l2_loss = tf.add_n([tf.nn.l2_loss(var) for var in tf.trainable_variables()])
    optimizer = tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True)
    optimizer.minimize(cost + l2_loss * 1e-4)
    correct = tf.equal(tf.argmax(logits, 1), tf.argmax(label, 1))
    tf.reduce_mean(tf.cast(correct, tf.float32))
    return [[logits]]


def edges_of_things(tf):
    """HED: five side outputs and their fusion, all under a sigmoid loss."""
    images = tf.placeholder(tf.float32, [None, 32, 32, 3])
    edgemaps = tf.placeholder(tf.float32, [None, 32, 32, 1])
    v, sides = images, []
    for i in range(3):
        v = _conv(tf, v, 8, 3, 1 if i == 0 else 2, name=f"conv{i + 1}")
        with tf.variable_scope(f"side_{i + 1}"):
            s = tf.layers.conv2d(v, 1, 1, name="reduction")
            if i:
                s = tf.layers.conv2d_transpose(
                    s, 1, 2 * 2**i, 2**i, "same", name="deconv", use_bias=False
                )
            sides.append(s)
    with tf.variable_scope("fuse"):
        w = tf.get_variable("fuse_w", [1, 1, 3, 1], initializer=tf.constant_initializer(0.2))
        fuse = tf.nn.conv2d(tf.concat(sides, 3), w, [1, 1, 1, 1], "SAME")
    outputs = [*sides, fuse]
    predictions = [tf.nn.sigmoid(o, name=f"output_{i}") for i, o in enumerate(outputs)]
    loss = 0.0
    for b in outputs:
        neg = tf.reduce_sum(1.0 - edgemaps)
        beta = neg / (neg + tf.reduce_sum(edgemaps))
        cost = tf.nn.weighted_cross_entropy_with_logits(
            logits=b, labels=edgemaps, pos_weight=beta / (1 - beta)
        )
        loss += tf.reduce_mean(cost * (1 - beta))
    wrong = tf.cast(
        tf.not_equal(tf.cast(predictions[-1] > 0.5, tf.int32), tf.cast(edgemaps, tf.int32)),
        tf.float32,
    )
    tf.reduce_mean(wrong, name="pixel_error")
    tf.train.AdamOptimizer(1e-4).minimize(loss)
    return [[predictions[-1], fuse]]


def lanes(tf):
    """LaneNet: lanes or not by softmax, an embedding that tells them apart."""
    image = tf.placeholder(tf.float32, [1, 32, 64, 3], name="input_tensor")
    binary = tf.placeholder(tf.int64, [1, 32, 64, 1], name="binary_label")
    inst = tf.placeholder(tf.float32, [1, 32, 64, 1], name="instance_label")
    with tf.variable_scope("lanenet_model"):
        v = _conv(tf, _conv(tf, image, 8, 3, 2), 8, 3, 2)
        with tf.variable_scope("decode"):
            bin_logits = tf.layers.conv2d_transpose(v, 2, 8, 4, "same", name="score_final")
            feats = tf.layers.conv2d_transpose(v, 8, 8, 4, "same")
        with tf.variable_scope("binary_seg"):
            xent = tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels=tf.squeeze(binary, [3]), logits=bin_logits
            )
            loss = tf.reduce_mean(xent)
        with tf.variable_scope("instance_seg"):
            emb = tf.layers.conv2d(
                tf.nn.relu(feats), 4, 1, name="pix_embedding_conv", use_bias=False
            )
            same = tf.to_float(tf.equal(inst[:, :, 1:], inst[:, :, :-1]))
            pull = tf.reduce_sum(tf.square(emb[:, :, 1:] - emb[:, :, :-1]), 3, keepdims=True)
            loss += tf.reduce_mean(same * pull + (1 - same) * tf.nn.relu(3.0 - pull))
    score = tf.nn.softmax(logits=bin_logits)
    ret = tf.argmax(score, axis=-1)
    tf.train.MomentumOptimizer(5e-4, 0.9).minimize(loss)
    return [[ret, score, bin_logits], [emb]]


def poses_of_heads(tf):
    """HopeNet: bins by softmax, degrees as the expectation over bins."""
    x = tf.placeholder(tf.float32, [None, 32, 32, 3], "x")
    bins = tf.placeholder(tf.int64, [None, 3], "bins")
    cont = tf.placeholder(tf.float32, [None, 3], "degrees")
    v = tf.reduce_mean(_conv(tf, _conv(tf, x, 8, 3, 2), 16, 3, 2), [1, 2])
    idx = tf.range(11, dtype=tf.float32)
    loss, heads = 0.0, []
    for i, name in enumerate(("yaw", "pitch", "roll")):
        logits = tf.layers.dense(v, 11, name=name)
        degrees = tf.reduce_sum(tf.nn.softmax(logits) * idx, 1) * 9 - 49.5
        loss += tf.losses.sparse_softmax_cross_entropy(bins[:, i], logits)
        loss += 0.5 * tf.reduce_mean(tf.square(degrees - cont[:, i]))
        heads.append([degrees, logits])
    tf.train.AdamOptimizer(1e-4).minimize(loss)
    return heads


def volumes(tf):
    """V-Net: 3D, a softmax over organs, the arg-max written to disk."""
    images = tf.placeholder(tf.float32, [1, 16, 16, 8, 1], name="images")
    labels = tf.placeholder(tf.int32, [1, 16, 16, 8, 1], name="labels")
    train_phase = tf.placeholder_with_default(True, (), name="train_phase_placeholder")

    def c3(v, n, s=1):
        v = tf.layers.conv3d(v, n, 3, s, "same")
        return tf.nn.relu(tf.layers.batch_normalization(v, training=train_phase))

    with tf.variable_scope("vnet"):
        a = c3(images, 4)
        b = c3(a, 8, 2)
        up = tf.nn.relu(tf.layers.conv3d_transpose(b, 4, 2, 2, "same"))
        logits = tf.layers.conv3d(tf.concat([up, a], 4), 2, 1, name="output_layer")
    with tf.name_scope("softmax"):
        softmax_op = tf.nn.softmax(logits, name="softmax")
    with tf.name_scope("predicted_label"):
        pred = tf.argmax(logits, axis=4, name="prediction")
    tf.summary.image("pred", tf.cast(pred[:, :, :, :1] * 255, tf.uint8))
    onehot = tf.one_hot(labels[..., 0], 2)
    with tf.name_scope("dice_loss"):
        inter = tf.reduce_sum(softmax_op * onehot, [1, 2, 3])
        union = tf.reduce_sum(softmax_op, [1, 2, 3]) + tf.reduce_sum(onehot, [1, 2, 3])
        dice = 1 - tf.reduce_mean((2 * inter + 1e-5) / (union + 1e-5))
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        tf.train.AdamOptimizer(1e-3).minimize(dice)
    return [[pred, softmax_op, logits]]


def relations_learned(tf):
    """Relation networks: samples and queries joined, a relation score of each pair."""
    samples = tf.placeholder(tf.float32, [5, 28, 28, 1], "samples")
    batches = tf.placeholder(tf.float32, [10, 28, 28, 1], "batches")
    labels = tf.placeholder(tf.int64, [10], "batch_labels")

    def encoder(x):
        with tf.variable_scope("encoder", reuse=tf.AUTO_REUSE):
            return _conv(tf, _conv(tf, x, 8, 3, 4, name="a"), 8, 3, 2, name="b")

    a = tf.tile(encoder(samples)[None], [10, 1, 1, 1, 1])
    b = tf.tile(encoder(batches)[:, None], [1, 5, 1, 1, 1])
    pairs = tf.reshape(tf.concat([a, b], 4), [50, 4, 4, 16])
    with tf.variable_scope("relation"):
        v = tf.layers.flatten(_conv(tf, pairs, 8, 3, 2))
        v = tf.layers.dense(tf.layers.dense(v, 8, tf.nn.relu), 1, tf.nn.sigmoid)
    relations = tf.reshape(v, [10, 5])
    mse = tf.reduce_mean(tf.square(relations - tf.one_hot(labels, 5)))
    opt = tf.train.AdamOptimizer(1e-3)
    opt.apply_gradients([(tf.clip_by_norm(g, 0.5), v) for g, v in opt.compute_gradients(mse)])
    predict = tf.argmax(relations, 1)
    tf.reduce_sum(tf.to_int32(tf.equal(predict, labels)))
    return [[predict, relations, v]]


def sharp_from_blurred(tf):
    """Deblurring by residual: the input is added, the sum clipped; an adversary trains it."""
    blur = tf.placeholder(tf.float32, [None, 32, 32, 3], name="blur")
    sharp = tf.placeholder(tf.float32, [None, 32, 32, 3], name="sharp")
    with tf.variable_scope("generator"):
        v = _conv(tf, blur, 8, 7)
        for _ in range(2):
            v = v + _conv(tf, _conv(tf, v, 8), 8, act=False)
        v = tf.nn.tanh(_conv(tf, v, 3, 7, act=False))
        gene_img = tf.clip_by_value(v + blur, -1.0, 1.0)

    def disc(x, reuse):
        with tf.variable_scope("discriminator", reuse=reuse):
            v = tf.nn.leaky_relu(_conv(tf, x, 8, 4, 2, act=False))
            return tf.layers.dense(tf.layers.flatten(v), 1)

    real, fake = disc(sharp, False), disc(gene_img, True)
    d_loss = tf.reduce_mean(fake) - tf.reduce_mean(real)
    g_loss = -tf.reduce_mean(fake) + 100 * tf.reduce_mean(tf.square(gene_img - sharp))
    t_vars = tf.trainable_variables()
    tf.train.AdamOptimizer(1e-4).minimize(
        d_loss, var_list=[v for v in t_vars if "discriminator" in v.name]
    )
    tf.train.AdamOptimizer(1e-4).minimize(
        g_loss, var_list=[v for v in t_vars if "generator" in v.name]
    )
    psnr = tf.image.psnr(gene_img * 127.5, sharp * 127.5, max_val=255.0)
    tf.reduce_mean(psnr)
    output = tf.cast((gene_img + 1.0) * 127.5, tf.uint8)
    return [[output, gene_img]]


def better_of_two(tf):
    """RankIQA: two pictures, one score each by shared layers, a margin between them."""
    one = tf.placeholder(tf.float32, [None, 32, 32, 3], "better")
    two = tf.placeholder(tf.float32, [None, 32, 32, 3], "worse")

    def score(x, reuse):
        with tf.variable_scope("vgg", reuse=reuse):
            v = tf.reduce_mean(
                _conv(tf, _conv(tf, x, 8, 3, 2, name="c1"), 8, 3, 2, name="c2"), [1, 2]
            )
            return tf.layers.dense(v, 1, name="fc8")

    a, b = score(one, False), score(two, True)
    loss = tf.reduce_mean(tf.maximum(0.0, b - a + 6.0))
    tf.train.AdamOptimizer(1e-4).minimize(loss)
    return [[a, b]]
