"""Pictures, a second blind set: written after the first was mended (see `programs.py`)."""


def _conv(tf, x, n, k=3, s=1, act=True, name=None):
    activation = tf.nn.relu if act else None
    return tf.layers.conv2d(x, n, k, s, "same", activation=activation, name=name)


def grey_to_colour(tf):
    """Colours of a grey picture: chroma joined to the lightness it came with."""
    grey = tf.placeholder(tf.float32, [None, 32, 32, 1], name="grayscale")
    color = tf.placeholder(tf.float32, [None, 32, 32, 3], name="colorimage")
    v = _conv(tf, _conv(tf, grey, 8, s=2), 16, s=2)
    v = _conv(tf, tf.image.resize_nearest_neighbor(v, (16, 16)), 8)
    v = tf.image.resize_nearest_neighbor(v, (32, 32))
    uv = tf.layers.conv2d(v, 2, 3, 1, "same", activation=tf.sigmoid)
    inferred = tf.concat([grey, uv], 3)
    matrix = tf.constant([[1.0, 1, 1], [0, -0.39, 2.03], [1.14, -0.58, 0]])
    rgb = tf.reshape(tf.matmul(tf.reshape(inferred, [-1, 3]), matrix), [-1, 32, 32, 3])
    rgb = tf.clip_by_value(rgb, 0.0, 1.0, name="pred_rgb")
    yuv = tf.reshape(tf.matmul(tf.reshape(color, [-1, 3]), matrix), [-1, 32, 32, 3])
    loss = tf.reduce_mean(tf.square(inferred[..., 1:] - yuv[..., 1:]))
    tf.train.GradientDescentOptimizer(1e-4).minimize(loss)
    tf.summary.image("colorimage", color)
    tf.summary.image("pred_rgb", rgb)
    return [[rgb, uv, inferred]]


def cells_by_dice(tf):
    """A U-Net for one class: a sigmoid map, the loss by overlap."""
    x = tf.placeholder(tf.float32, [None, 32, 32, 1], name="x")
    y = tf.placeholder(tf.float32, [None, 32, 32, 1], name="y")
    training = tf.placeholder(tf.bool, name="training")

    def block(v, n):
        for _ in range(2):
            v = tf.layers.conv2d(v, n, 3, padding="same")
            v = tf.nn.relu(tf.layers.batch_normalization(v, training=training))
        return v

    a = block(x, 4)
    b = block(tf.layers.max_pooling2d(a, 2, 2), 8)
    c = block(tf.layers.max_pooling2d(b, 2, 2), 16)
    v = block(tf.concat([tf.layers.conv2d_transpose(c, 8, 2, 2), b], 3), 8)
    v = block(tf.concat([tf.layers.conv2d_transpose(v, 4, 2, 2), a], 3), 4)
    pred = tf.layers.conv2d(v, 1, 1, activation=tf.nn.sigmoid, name="final")
    inter = tf.reduce_sum(tf.reshape(pred * y, [-1, 1024]), 1)
    union = tf.reduce_sum(pred, [1, 2, 3]) + tf.reduce_sum(y, [1, 2, 3]) + 1e-5
    loss = -tf.reduce_mean(2.0 * inter / union)
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[pred, pred.op.inputs[0]]]


def very_deep_residual(tf):
    """VDSR: the net adds what is missing to its input."""
    train_input = tf.placeholder(tf.float32, shape=(4, 32, 32, 1))
    train_gt = tf.placeholder(tf.float32, shape=(4, 32, 32, 1))

    def model(x):
        with tf.variable_scope("shared_model", reuse=tf.AUTO_REUSE):
            v, inp, weights = x, 1, []
            for i in range(4):
                n = 1 if i == 3 else 8
                w = tf.get_variable(f"conv_{i:02d}_w", [3, 3, inp, n])
                b = tf.get_variable(f"conv_{i:02d}_b", [n], initializer=tf.zeros_initializer())
                v = tf.nn.bias_add(tf.nn.conv2d(v, w, [1, 1, 1, 1], "SAME"), b)
                v = tf.nn.relu(v) if i < 3 else v
                weights += [w, b]
                inp = n
            return tf.add(v, x), weights

    train_output, weights = model(train_input)
    loss = tf.reduce_sum(tf.nn.l2_loss(tf.subtract(train_output, train_gt)))
    for w in weights:
        loss += tf.nn.l2_loss(w) * 1e-4
    tf.summary.scalar("loss", loss)
    step = tf.Variable(0, trainable=False)
    rate = tf.train.exponential_decay(1e-4, step, 1200, 0.1, staircase=True)
    tf.train.AdamOptimizer(rate).minimize(loss, global_step=step)
    return [[train_output]]


def enhanced_resolution(tf):
    """EDSR: a mean is taken off at the door and put back behind."""
    x = tf.placeholder(tf.float32, [None, 16, 16, 3])
    y = tf.placeholder(tf.float32, [None, 32, 32, 3])
    mean_x, mean_y = 127.0, 127.0
    image_input, image_target = x - mean_x, y - mean_y
    v = first = _conv(tf, image_input, 8, act=False)
    for _ in range(2):
        v = v + 0.1 * _conv(tf, _conv(tf, v, 8), 8, act=False)
    v = _conv(tf, v, 8, act=False) + first
    output = _conv(tf, tf.depth_to_space(_conv(tf, v, 16), 2), 3, act=False)
    out = tf.clip_by_value(output + mean_x, 0.0, 255.0)
    loss = tf.reduce_mean(tf.losses.absolute_difference(image_target, output))
    mse = tf.reduce_mean(tf.squared_difference(image_target, output))
    psnr = tf.constant(255**2, dtype=tf.float32) / mse
    tf.summary.scalar("PSNR", tf.constant(10, dtype=tf.float32) * tf.log(psnr))
    tf.summary.image("output_image", tf.cast(out, tf.uint8))
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[out, output]]


def turned_digits(tf):
    """A spatial transformer before a classifier, names by hand, biases by hand."""
    x = tf.placeholder(tf.float32, [None, 1600])
    y = tf.placeholder(tf.float32, [None, 10])
    keep_prob = tf.placeholder(tf.float32)

    def weight(shape):
        return tf.Variable(tf.random_normal(shape, stddev=0.01))

    x_tensor = tf.reshape(x, [-1, 40, 40, 1])
    h_loc = tf.nn.tanh(tf.matmul(x, weight([1600, 12])) + weight([12]))
    h_drop = tf.nn.dropout(h_loc, keep_prob)
    theta = tf.nn.tanh(tf.matmul(h_drop, weight([12, 6])) + weight([6]))
    grid = tf.constant([[[i / 20.0 - 1] * 3] * 40 for i in range(40)], tf.float32)
    grid = tf.reshape(tf.transpose(grid, [2, 0, 1]), [1, 3, 1600])
    t_g = tf.matmul(tf.reshape(theta, [-1, 2, 3]), tf.tile(grid, [tf.shape(x)[0], 1, 1]))
    xs = tf.cast(tf.clip_by_value((t_g[:, 0] + 1) * 20, 0, 39), tf.int32)
    h_trans = tf.reshape(tf.batch_gather(x, xs) * tf.tanh(t_g[:, 1]), [-1, 40, 40, 1])
    h = tf.nn.relu(tf.nn.conv2d(h_trans, weight([3, 3, 1, 8]), [1, 4, 4, 1], "SAME") + weight([8]))
    h_fc1 = tf.nn.relu(tf.matmul(tf.reshape(h, [-1, 800]), weight([800, 16])) + weight([16]))
    y_logits = tf.matmul(tf.nn.dropout(h_fc1, keep_prob), weight([16, 10])) + weight([10])
    cross = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=y_logits, labels=y))
    opt = tf.train.AdamOptimizer()
    opt.minimize(cross)
    opt.compute_gradients(cross, [x_tensor])
    correct = tf.equal(tf.argmax(y_logits, 1), tf.argmax(y, 1))
    tf.reduce_mean(tf.cast(correct, "float"))
    return [[y_logits]]


def flows_of_pictures(tf):
    """FlowNet: flows at every scale are trained, the finest is resized to the picture."""
    a = tf.placeholder(tf.float32, [None, 64, 64, 3], name="input_a")
    b = tf.placeholder(tf.float32, [None, 64, 64, 3], name="input_b")
    gt = tf.placeholder(tf.float32, [None, 64, 64, 2], name="flow")
    with tf.variable_scope("FlowNetS"):
        c1 = tf.nn.leaky_relu(_conv(tf, tf.concat([a, b], 3), 8, 7, 2, act=False, name="conv1"))
        c2 = tf.nn.leaky_relu(_conv(tf, c1, 8, 5, 2, act=False, name="conv2"))
        c3 = tf.nn.leaky_relu(_conv(tf, c2, 8, 3, 2, act=False, name="conv3"))
        p3 = tf.layers.conv2d(c3, 2, 3, 1, "same", name="predict_flow3")
        d2 = tf.nn.leaky_relu(tf.layers.conv2d_transpose(c3, 8, 4, 2, "same", name="deconv2"))
        up = tf.layers.conv2d_transpose(p3, 2, 4, 2, "same", name="upsample_flow3to2")
        concat2 = tf.concat([c2, d2, up], axis=3)
        p2 = tf.layers.conv2d(concat2, 2, 3, 1, "same", name="predict_flow2")
        flow = tf.image.resize_bilinear(p2 * 20.0, tf.stack([64, 64]), align_corners=True)
    scaled = gt * 0.05
    losses = []
    for p, n in ((p3, 8), (p2, 16)):
        small = tf.image.resize_area(scaled, (n, n))
        losses.append(tf.reduce_mean(tf.sqrt(tf.reduce_sum(tf.square(p - small), 3) + 1e-6)))
    tf.train.AdamOptimizer(1e-4).minimize(tf.add_n(losses))
    return [[flow, p2]]


def focal_anchors(tf):
    """RetinaNet: shared heads on a pyramid, all levels joined; classes by sigmoid."""
    images = tf.placeholder(tf.float32, [None, 64, 64, 3], name="images")
    loc_t = tf.placeholder(tf.float32, [None, 160, 4], name="loc_trues")
    cls_t = tf.placeholder(tf.int32, [None, 160], name="cls_trues")
    c3 = _conv(tf, _conv(tf, images, 8, s=4), 8, s=2)
    c4 = _conv(tf, c3, 8, s=2)
    p4 = _conv(tf, c4, 8, 1, act=False)
    p3 = _conv(tf, c3, 8, 1, act=False) + tf.image.resize_bilinear(p4, (8, 8))
    locs, clss = [], []
    for p in (p3, p4):
        with tf.variable_scope("head", reuse=tf.AUTO_REUSE):
            c = _conv(tf, _conv(tf, p, 8, name="cls1"), 6, act=False, name="cls_out")
            b = _conv(tf, _conv(tf, p, 8, name="box1"), 8, act=False, name="box_out")
        clss.append(tf.reshape(c, [-1, int(c.shape[1]) ** 2 * 2, 3]))
        locs.append(tf.reshape(b, [-1, int(b.shape[1]) ** 2 * 2, 4]))
    loc_preds, cls_preds = tf.concat(locs, 1), tf.concat(clss, 1)
    onehot = tf.one_hot(cls_t, 3)
    p = tf.sigmoid(cls_preds)
    pt = tf.where(tf.equal(onehot, 1), p, 1.0 - p)
    focal = tf.reduce_sum(-tf.pow(1.0 - pt, 2) * tf.log(pt + 1e-8))
    huber = tf.losses.huber_loss(loc_t, loc_preds, weights=tf.to_float(cls_t > 0)[:, :, None])
    tf.train.MomentumOptimizer(1e-3, 0.9).minimize(focal + huber)
    return [[cls_preds, p], [loc_preds]]


def records_in_queues(tf):
    """Batches out of a shuffling queue of files, the evaluation by in_top_k."""
    names = tf.train.string_input_producer(["a.bin", "b.bin"])
    reader = tf.FixedLengthRecordReader(record_bytes=1 + 12 * 12)
    _, value = reader.read(names)
    raw = tf.decode_raw(value, tf.uint8)
    label = tf.cast(tf.strided_slice(raw, [0], [1]), tf.int32)
    image = tf.reshape(tf.cast(tf.strided_slice(raw, [1], [145]), tf.float32), [12, 12, 1])
    image = tf.image.per_image_standardization(image)
    label.set_shape([1])
    images, labels = tf.train.shuffle_batch([image, label], 8, 64, 16)
    labels = tf.reshape(labels, [8])
    with tf.variable_scope("conv1") as scope:
        kernel = tf.get_variable("weights", [5, 5, 1, 8])
        biases = tf.get_variable("biases", [8])
        pre = tf.nn.bias_add(tf.nn.conv2d(images, kernel, [1, 2, 2, 1], "SAME"), biases)
        conv1 = tf.nn.relu(pre, name=scope.name)
    with tf.variable_scope("softmax_linear") as scope:
        w = tf.get_variable("weights", [288, 4])
        b = tf.get_variable("biases", [4])
        logits = tf.add(tf.matmul(tf.reshape(conv1, [8, -1]), w), b, name=scope.name)
    xent = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    loss = tf.reduce_mean(xent, name="cross_entropy")
    tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    tf.nn.in_top_k(logits, labels, 1)
    return [[logits]]


def hashes_of_pictures(tf):
    """Deep hashing: codes near to plus and minus one, their sign is stored."""
    images = tf.placeholder(tf.float32, [None, 32, 32, 3], name="images")
    sim = tf.placeholder(tf.float32, [None, None], name="similarity")
    v = tf.layers.flatten(_conv(tf, _conv(tf, images, 8, 5, 4), 8, 3, 2))
    u = tf.layers.dense(tf.layers.dense(v, 16, tf.nn.relu), 12, tf.nn.tanh, name="fc_hash")
    codes = tf.sign(u, name="hash_codes")
    inner = 0.5 * tf.matmul(u, u, transpose_b=True)
    pair = tf.reduce_mean(tf.log(1 + tf.exp(inner)) - sim * inner)
    quant = tf.reduce_mean(tf.square(u - codes))
    tf.train.MomentumOptimizer(0.01, 0.9).minimize(pair + 0.1 * quant)
    return [[codes, u]]


def binary_weights(tf):
    """BinaryConnect: signs of weights in the products, straight through in the gradients."""
    x = tf.placeholder(tf.float32, [None, 64], name="x")
    target = tf.placeholder(tf.float32, [None, 10], name="target")
    training = tf.placeholder(tf.bool)

    def binary(w):
        return w + tf.stop_gradient(tf.sign(w) - w)

    v = x
    for i, n in enumerate((32, 32, 10)):
        w = tf.get_variable(f"W{i}", [int(v.shape[1]), n])
        v = tf.layers.batch_normalization(tf.matmul(v, binary(w)), training=training)
        v = tf.clip_by_value(v, -1.0, 1.0) if i < 2 else v
    train_output = v
    loss = tf.reduce_mean(tf.square(tf.maximum(0.0, 1.0 - target * train_output)))
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        tf.train.AdamOptimizer(1e-3).minimize(loss)
    acc = tf.equal(tf.argmax(train_output, 1), tf.argmax(target, 1))
    tf.reduce_mean(tf.cast(acc, tf.float32))
    return [[train_output]]


def normalised_weights(tf):
    """Weight normalisation: a direction and a length for each layer."""
    images = tf.placeholder(tf.float32, [None, 16, 16, 3], name="images")
    labels = tf.placeholder(tf.int64, [None], name="labels")

    def layer(v, n, name, conv=True):
        with tf.variable_scope(name):
            shape = ([3, 3] if conv else []) + [int(v.shape[-1]), n]
            V = tf.get_variable("V", shape)
            g, b = tf.get_variable("g", [n]), tf.get_variable("b", [n])
            W = g * tf.nn.l2_normalize(V, list(range(len(shape) - 1)))
            v = tf.nn.conv2d(v, W, [1, 2, 2, 1], "SAME") if conv else tf.matmul(v, W)
            return tf.nn.bias_add(v, b)

    v = tf.nn.elu(layer(tf.nn.elu(layer(images, 8, "conv_0")), 16, "conv_1"))
    logits = layer(tf.reduce_mean(v, [1, 2]), 5, "dense", False)
    loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
    pred = tf.nn.softmax(logits)
    tf.train.AdamaxOptimizer(1e-3).minimize(loss) if hasattr(tf.train, "AdamaxOptimizer") else (
        tf.train.AdamOptimizer(1e-3).minimize(loss)
    )
    return [[pred, logits]]


def captions_step_by_step(tf):
    """Show and tell: words one after the other, the arg-max fed to the next."""
    features = tf.placeholder(tf.float32, [4, 20], name="features")
    captions = tf.placeholder(tf.int32, [4, 6], name="captions")
    mask = tf.cast(tf.not_equal(captions[:, 1:], 0), tf.float32)

    def net(train):
        with tf.variable_scope("lstm_net", reuse=tf.AUTO_REUSE):
            table = tf.get_variable("word_embedding", [30, 8])
            cell = tf.nn.rnn_cell.LSTMCell(8, name="cell")
            state = cell.zero_state(4, tf.float32)
            _, state = cell(tf.layers.dense(features, 8, name="img"), state)
            word, out = tf.ones([4], tf.int32), []
            for t in range(5):
                h, state = cell(
                    tf.nn.embedding_lookup(table, captions[:, t] if train else word), state
                )
                out.append(tf.layers.dense(h, 30, name="logits"))
                word = tf.cast(tf.argmax(out[-1], 1), tf.int32)
                if not train:
                    out[-1] = word
            return out

    logits = net(True)
    loss = 0.0
    for t, each in enumerate(logits):
        xent = tf.nn.sparse_softmax_cross_entropy_with_logits(
            logits=each, labels=captions[:, t + 1]
        )
        loss += tf.reduce_sum(xent * mask[:, t])
    tf.train.AdamOptimizer(1e-3).minimize(loss / 4.0)
    generated = tf.transpose(tf.stack(net(False)), (1, 0))
    return [[generated]]
