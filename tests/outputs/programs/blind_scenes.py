"""Networks that measure, by a second author, the truth written first (see `programs.py`)."""


def _conv(tf, x, n, k=3, s=1, act=True, name=None):
    activation = tf.nn.relu if act else None
    return tf.layers.conv2d(x, n, k, s, "same", activation=activation, name=name)


def depth_without_labels(tf):
    """monodepth: four disparities, the finest one fetched; the right image only trains."""
    left = tf.placeholder(tf.float32, [2, 32, 64, 3])
    right = tf.placeholder(tf.float32, [2, 32, 64, 3])
    disps = []
    with tf.variable_scope("model"), tf.variable_scope("encoder"):
        skips, v = [], left
        for i in range(3):
            v = tf.nn.elu(_conv(tf, v, 8, 3, 2, act=False, name=f"conv{i}"))
            skips.append(v)
    with tf.variable_scope("model"), tf.variable_scope("decoder"):
        for i in range(3):
            h, w = 8 << i, 16 << i
            v = tf.image.resize_nearest_neighbor(v, (h, w))
            v = tf.nn.elu(_conv(tf, v, 8, act=False, name=f"upconv{i}"))
            parts = [v] + ([skips[1 - i]] if i < 2 else [])
            parts += [tf.image.resize_nearest_neighbor(disps[-1], (h, w))] if disps else []
            v = tf.nn.elu(_conv(tf, tf.concat(parts, 3), 8, act=False, name=f"iconv{i}"))
            disps.append(0.3 * tf.layers.conv2d(v, 2, 3, 1, "same", activation=tf.nn.sigmoid))
    with tf.variable_scope("disparities"):
        disp_left_est = [tf.expand_dims(d[:, :, :, 0], 3) for d in disps[::-1]]
        disp_right_est = [tf.expand_dims(d[:, :, :, 1], 3) for d in disps[::-1]]
    loss = 0.0
    with tf.variable_scope("losses"):
        for i, (dl, dr) in enumerate(zip(disp_left_est, disp_right_est, strict=True)):
            size = (32 >> i, 64 >> i)
            pl, pr = tf.image.resize_area(left, size), tf.image.resize_area(right, size)
            x = tf.range(size[1], dtype=tf.float32)[None, None, :, None] / size[1]
            weight = tf.nn.relu(1 - tf.abs(x - dl))
            loss += tf.reduce_mean(tf.abs(pr * weight - pl)) + tf.reduce_mean(tf.abs(pl * dr - pr))
            loss += 0.1 * tf.reduce_mean(tf.abs(dl[:, :, 1:] - dl[:, :, :-1]))
    tf.train.AdamOptimizer(1e-4).minimize(loss)
    return [[disp_left_est[0], disps[-1]]]


def hourglasses(tf):
    """A stack of hourglasses: every stage is trained, the last heat maps are fetched."""
    with tf.name_scope("inputs"):
        img = tf.placeholder(tf.float32, (None, 64, 64, 3), name="input_img")
        gt = tf.placeholder(tf.float32, (None, 2, 16, 16, 6))
    with tf.name_scope("model"):
        v = _conv(tf, _conv(tf, img, 8, 7, 2), 8, 3, 2)
        stages = []
        for i in range(2):
            with tf.name_scope(f"stage_{i}"):
                low = _conv(tf, tf.layers.max_pooling2d(v, 2, 2), 8)
                hg = tf.add(_conv(tf, v, 8), tf.image.resize_nearest_neighbor(low, [16, 16]))
                ll = _conv(tf, hg, 8, 1)
                out = _conv(tf, ll, 6, 1, act=False)
                stages.append(out)
                v = tf.add_n([v, _conv(tf, ll, 8, 1, act=False), _conv(tf, out, 8, 1, act=False)])
        output = tf.stack(stages, axis=1, name="final_output")
    with tf.name_scope("loss"):
        diff = tf.nn.sigmoid_cross_entropy_with_logits(logits=output, labels=gt)
        loss = tf.reduce_mean(diff, name="cross_entropy_loss")
    with tf.name_scope("rmsprop"):
        rate = tf.train.exponential_decay(1e-3, tf.Variable(0, trainable=False), 100, 0.96)
        tf.train.RMSPropOptimizer(rate).minimize(loss)
    return [[output, stages[-1]]]


def body_parts(tf):
    """OpenPose: confidence maps and affinity fields, each stage fed by both."""
    image = tf.placeholder(tf.float32, [None, 64, 64, 3], name="image")
    vect = tf.placeholder(tf.float32, [None, 16, 16, 8], name="vectmap")
    heat = tf.placeholder(tf.float32, [None, 16, 16, 5], name="heatmap")
    feature = _conv(tf, _conv(tf, image, 8, 3, 2, name="conv1"), 8, 3, 2, name="conv4_4_CPM")
    v, losses = feature, []
    for stage in (1, 2, 3):
        l1 = _conv(
            tf,
            _conv(tf, v, 8, name=f"a{stage}_L1"),
            8,
            1,
            act=False,
            name=f"Mconv7_stage{stage}_L1",
        )
        l2 = _conv(
            tf,
            _conv(tf, v, 8, name=f"a{stage}_L2"),
            5,
            1,
            act=False,
            name=f"Mconv7_stage{stage}_L2",
        )
        v = tf.concat([l1, l2, feature], 3, name=f"concat_stage{stage}")
        losses += [tf.nn.l2_loss(l1 - vect), tf.nn.l2_loss(l2 - heat)]
    total = tf.reduce_sum(losses) / 16.0
    tf.train.AdamOptimizer(1e-4).minimize(total)
    return [[l2], [l1]]


def words_by_ctc(tf):
    """The first CTC tutorial: time-major logits, beams made dense."""
    inputs = tf.placeholder(tf.float32, [None, None, 13])
    targets = tf.sparse_placeholder(tf.int32)
    seq_len = tf.placeholder(tf.int32, [None])
    cells = [tf.nn.rnn_cell.LSTMCell(12, state_is_tuple=True) for _ in range(2)]
    stack = tf.nn.rnn_cell.MultiRNNCell(cells, state_is_tuple=True)
    outputs, _ = tf.nn.dynamic_rnn(stack, inputs, seq_len, dtype=tf.float32)
    batch_s = tf.shape(inputs)[0]
    W = tf.Variable(tf.truncated_normal([12, 28], stddev=0.1))
    b = tf.Variable(tf.constant(0.0, shape=[28]))
    logits = tf.matmul(tf.reshape(outputs, [-1, 12]), W) + b
    logits = tf.transpose(tf.reshape(logits, [batch_s, -1, 28]), (1, 0, 2))
    cost = tf.reduce_mean(tf.nn.ctc_loss(targets, logits, seq_len))
    tf.train.MomentumOptimizer(1e-2, 0.9).minimize(cost)
    decoded, _ = tf.nn.ctc_beam_search_decoder(logits, seq_len)
    tf.reduce_mean(tf.edit_distance(tf.cast(decoded[0], tf.int32), targets))
    return [[decoded[0].values, decoded[0].indices, logits]]


def cifar_towers(tf):
    """Several towers of one network, gradients averaged; no tower is apart."""
    images = tf.placeholder(tf.float32, [8, 24, 24, 3], name="images")
    labels = tf.placeholder(tf.int32, [8], name="labels")
    halves = zip(tf.split(images, 2), tf.split(labels, 2), strict=True)
    grads, heads = [], []
    opt = tf.train.GradientDescentOptimizer(0.1)
    with tf.variable_scope(tf.get_variable_scope()):
        for i, (x, y) in enumerate(halves):
            with tf.name_scope(f"tower_{i}"):
                v = tf.layers.max_pooling2d(_conv(tf, x, 8, 5, name="conv1"), 3, 2)
                v = tf.nn.lrn(v, 4, bias=1.0, alpha=0.001 / 9.0, beta=0.75)
                v = tf.layers.dense(tf.layers.flatten(v), 16, tf.nn.relu, name="local3")
                logits = tf.layers.dense(v, 10, name="softmax_linear")
                xent = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=y)
                loss = tf.reduce_mean(xent, name="cross_entropy")
                tf.get_variable_scope().reuse_variables()
                grads.append(opt.compute_gradients(loss))
                heads += [logits]
    average = [
        (tf.reduce_mean(tf.stack([g for g, _ in pair]), 0), pair[0][1])
        for pair in zip(*grads, strict=True)
    ]
    train = opt.apply_gradients(average)
    ema = tf.train.ExponentialMovingAverage(0.99)
    tf.group(train, ema.apply(tf.trainable_variables()))
    return [heads]


def inception_with_auxiliary(tf):
    """slim's inception: an auxiliary head that only trains, predictions at the end."""
    images = tf.placeholder(tf.float32, [None, 32, 32, 3], name="input")
    labels = tf.placeholder(tf.int64, [None], name="target")
    training = tf.placeholder_with_default(False, [], name="is_training")
    with tf.variable_scope("InceptionV1"):
        v = _conv(tf, images, 8, 7, 2, name="Conv2d_1a_7x7")
        with tf.variable_scope("Mixed_3b"):
            b = [_conv(tf, v, 4, k, name=f"Branch_{i}") for i, k in enumerate((1, 3, 5))]
            v = tf.concat(b, 3)
        with tf.variable_scope("AuxLogits"):
            aux = tf.layers.dense(tf.layers.flatten(tf.layers.average_pooling2d(v, 5, 3)), 7)
        with tf.variable_scope("Logits"):
            v = tf.layers.average_pooling2d(_conv(tf, v, 16, 3, 2), 8, 8)
            v = tf.layers.dropout(v, 0.2, training=training)
            logits = _conv(tf, v, 7, 1, act=False, name="Conv2d_0c_1x1")
            logits = tf.squeeze(logits, [1, 2], name="SpatialSqueeze")
        predictions = tf.nn.softmax(logits, name="Predictions")
    one_hot = tf.one_hot(labels, 7)
    tf.losses.softmax_cross_entropy(one_hot, aux, weights=0.4, scope="aux_loss")
    tf.losses.softmax_cross_entropy(one_hot, logits, weights=1.0)
    total = tf.losses.get_total_loss()
    tf.train.RMSPropOptimizer(0.01, momentum=0.9).minimize(total)
    return [[predictions, logits]]


def quantized_mobile_net(tf):
    """As contrib.quantize rewrites it: ranges kept, weights and activations through FakeQuant."""

    def fake(x, scope, weights=False):
        with tf.variable_scope(scope):
            lo = tf.get_variable(
                "min", [], initializer=tf.constant_initializer(-6.0), trainable=False
            )
            hi = tf.get_variable(
                "max", [], initializer=tf.constant_initializer(6.0), trainable=False
            )
            now_lo, now_hi = tf.reduce_min(x), tf.reduce_max(x)
            if weights:
                lo = tf.assign(lo, tf.minimum(now_lo, 0.0), name="AssignMinLast")
                hi = tf.assign(hi, tf.maximum(now_hi, 0.0), name="AssignMaxLast")
            else:
                lo = tf.assign(lo, lo - 0.001 * (lo - now_lo), name="AssignMinEma")
                hi = tf.assign(hi, hi - 0.001 * (hi - now_hi), name="AssignMaxEma")
            return tf.quantization.fake_quant_with_min_max_vars(x, lo, hi, 8, weights)

    image = tf.placeholder(tf.float32, [None, 32, 32, 3], name="image")
    labels = tf.placeholder(tf.int64, [None], name="label")
    v = fake(image, "input_quant")
    for i, n in enumerate((8, 16)):
        with tf.variable_scope(f"conv_{i}"):
            w = tf.get_variable("weights", [3, 3, int(v.shape[-1]), n])
            v = tf.nn.conv2d(v, fake(w, "weights_quant", True), [1, 2, 2, 1], "SAME")
            v = fake(tf.nn.relu6(tf.nn.bias_add(v, tf.get_variable("biases", [n]))), "act_quant")
    v = tf.reduce_mean(v, [1, 2])
    with tf.variable_scope("logits"):
        w = tf.get_variable("weights", [16, 5])
        v = tf.matmul(v, fake(w, "weights_quant", True)) + tf.get_variable("biases", [5])
        logits = fake(v, "act_quant")
    probs = tf.nn.softmax(logits)
    loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
    tf.train.GradientDescentOptimizer(1e-3).minimize(loss)
    return [[probs, logits]]


def estimator_head(tf):
    """A custom estimator's graph in training: predictions by dictionary, a canned head."""
    step = tf.train.get_or_create_global_step()
    dataset = tf.data.Dataset.from_tensor_slices({"x": [[0.0] * 6] * 20, "y": [1] * 20})
    batch = tf.data.make_one_shot_iterator(dataset.repeat().batch(5)).get_next()
    with tf.variable_scope("dnn"):
        with tf.variable_scope("input_from_feature_columns"):
            v = tf.reshape(batch["x"], [-1, 6])
        for i in range(2):
            v = tf.layers.dense(v, 8, tf.nn.relu, name=f"hiddenlayer_{i}")
            tf.summary.scalar(f"fraction_{i}", tf.nn.zero_fraction(v))
        logits = tf.layers.dense(v, 3, name="logits")
    with tf.name_scope("head"), tf.name_scope("predictions"):
        class_ids = tf.expand_dims(tf.argmax(logits, -1), -1, name="class_ids")
        tf.as_string(class_ids, name="str_classes")
        probabilities = tf.nn.softmax(logits, name="probabilities")
    loss = tf.losses.sparse_softmax_cross_entropy(batch["y"], logits)
    tf.train.AdagradOptimizer(0.05).minimize(loss, global_step=step)
    return [[probabilities, logits, class_ids]]


def points_in_space(tf):
    """PointNet: an input transform, a max over points, class scores."""
    points = tf.placeholder(tf.float32, shape=(8, 64, 3))
    labels = tf.placeholder(tf.int32, shape=(8))
    is_training = tf.placeholder(tf.bool, shape=())

    def bn(v, name):
        return tf.nn.relu(tf.layers.batch_normalization(v, training=is_training, name=name))

    with tf.variable_scope("transform_net1"):
        v = bn(tf.layers.conv2d(tf.expand_dims(points, -1), 8, [1, 3], name="tconv1"), "bn1")
        v = tf.reshape(tf.layers.max_pooling2d(v, [64, 1], 1), [8, -1])
        w = tf.get_variable("weights", [8, 9], initializer=tf.constant_initializer(0.0))
        b = tf.get_variable("biases", [9], initializer=tf.constant_initializer(0.0))
        b += tf.constant([1, 0, 0, 0, 1, 0, 0, 0, 1], dtype=tf.float32)
        transform = tf.reshape(tf.matmul(v, w) + b, [8, 3, 3])
    v = tf.expand_dims(tf.matmul(points, transform), -1)
    v = bn(tf.layers.conv2d(v, 8, [1, 3], name="conv1"), "conv1_bn")
    feat = bn(tf.layers.conv2d(v, 9, 1, name="conv2"), "conv2_bn")
    mat = tf.reshape(tf.layers.max_pooling2d(feat, [64, 1], 1, name="maxpool"), [8, 9])
    v = tf.layers.dropout(
        bn(tf.layers.dense(mat, 8, name="fc1"), "fc1_bn"), 0.3, training=is_training
    )
    pred = tf.layers.dense(v, 4, name="fc3")
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=pred, labels=labels)
    classify_loss = tf.reduce_mean(loss)
    square = tf.matmul(transform, tf.transpose(transform, perm=[0, 2, 1]))
    mat_diff_loss = tf.nn.l2_loss(square - tf.constant([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]]))
    correct = tf.equal(tf.argmax(pred, 1), tf.to_int64(labels))
    tf.summary.scalar("accuracy", tf.reduce_sum(tf.cast(correct, tf.float32)) / 8.0)
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        tf.train.AdamOptimizer(1e-3).minimize(classify_loss + mat_diff_loss * 0.001)
    return [[pred]]


def margins_on_a_sphere(tf):
    """ArcFace: the logits need the labels; the embedding is what is used."""
    images = tf.placeholder(tf.float32, [None, 32, 32, 3], name="img_inputs")
    labels = tf.placeholder(tf.int64, [None], name="img_labels")
    dropout_rate = tf.placeholder(tf.float32, name="dropout_rate")
    v = _conv(tf, _conv(tf, images, 8, 3, 2), 8, 3, 2)
    v = tf.nn.dropout(tf.layers.flatten(tf.layers.batch_normalization(v)), keep_prob=dropout_rate)
    embedding = tf.layers.batch_normalization(tf.layers.dense(v, 16, name="E_DenseLayer"))
    with tf.variable_scope("arcface_loss"):
        norm = tf.norm(embedding, axis=1, keep_dims=True)
        unit = tf.div(embedding, norm, name="norm_embedding")
        weights = tf.get_variable("embedding_weights", [16, 20])
        weights = tf.div(weights, tf.norm(weights, axis=0, keep_dims=True), name="norm_weights")
        cos_t = tf.matmul(unit, weights, name="cos_t")
        sin_t = tf.sqrt(tf.subtract(1.0, tf.square(cos_t)), name="sin_t")
        cos_mt = 64.0 * tf.subtract(cos_t * 0.877, sin_t * 0.479, name="cos_mt")
        mask = tf.one_hot(labels, depth=20, name="one_hot_mask")
        logit = tf.add(64.0 * cos_t * (1.0 - mask), cos_mt * mask, name="arcface_output")
    loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logit, labels=labels)
    )
    tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
    acc = tf.equal(tf.argmax(tf.nn.softmax(logit), axis=1), labels)
    tf.reduce_mean(tf.cast(acc, tf.float32))
    return [[embedding]]


def counting_crowds(tf):
    """MCNN: three columns, a density map whose sum is the count."""
    im = tf.placeholder(tf.float32, [1, None, None, 1], name="im_data")
    gt = tf.placeholder(tf.float32, [1, None, None, 1], name="gt_data")
    columns = []
    for k in (9, 7, 5):
        v = tf.layers.max_pooling2d(_conv(tf, im, 4, k), 2, 2)
        columns.append(_conv(tf, v, 4, k - 2))
    density = _conv(tf, tf.concat(columns, 3), 1, 1)
    loss = tf.losses.mean_squared_error(gt, density)
    et_count = tf.reduce_sum(density)
    tf.abs(et_count - tf.reduce_sum(gt))
    tf.train.AdamOptimizer(1e-5).minimize(loss)
    return [[density]]


def moving_pictures(tf):
    """C3D: a clip is classed; weights by hand, decay in a collection."""
    clips = tf.placeholder(tf.float32, shape=(2, 8, 16, 16, 3))
    labels = tf.placeholder(tf.int64, shape=(2,))

    def variable(name, shape, wd):
        with tf.device("/cpu:0"):
            var = tf.get_variable(name, shape)
        if wd is not None:
            tf.add_to_collection("losses", tf.nn.l2_loss(var) * wd)
        return var

    with tf.variable_scope("var_name"):
        wc1, bc1 = variable("wc1", [3, 3, 3, 3, 4], 5e-4), variable("bc1", [4], None)
        wd1, bd1 = variable("wd1", [1024, 8], 5e-4), variable("bd1", [8], None)
        wout, bout = variable("wout", [8, 6], 5e-4), variable("bout", [6], None)
    conv = tf.nn.bias_add(tf.nn.conv3d(clips, wc1, [1] * 5, "SAME"), bc1)
    pool = tf.nn.max_pool3d(tf.nn.relu(conv), [1, 2, 2, 2, 1], [1, 2, 2, 2, 1], "SAME")
    dense = tf.reshape(tf.transpose(pool, perm=[0, 1, 4, 2, 3]), [2, 1024])
    dense = tf.nn.dropout(tf.nn.relu(tf.matmul(dense, wd1) + bd1, name="fc1"), 0.5)
    out = tf.matmul(dense, wout) + bout
    xent = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=out)
    total = tf.reduce_mean(xent) + tf.add_n(tf.get_collection("losses"), name="weight_decay")
    tf.summary.scalar("accuracy", tf.reduce_mean(tf.to_float(tf.equal(tf.argmax(out, 1), labels))))
    tf.train.AdamOptimizer(1e-4).minimize(total)
    norm_score = tf.nn.softmax(out)
    return [[norm_score, out]]
