"""Pictures, a seventh blind set: written with the sixth, kept back until its misses were mended."""


def keras_residual_fitted(tf):
    """A functional residual net of Keras with regularisers, data augmentation apart."""
    layers, l2 = tf.keras.layers, tf.keras.regularizers.l2(1e-4)
    inputs = tf.keras.Input((32, 32, 3))
    x = layers.Conv2D(8, 3, padding="same", kernel_regularizer=l2)(inputs)
    for _ in range(2):
        y = layers.Activation("relu")(layers.BatchNormalization()(x))
        y = layers.Conv2D(8, 3, padding="same", kernel_regularizer=l2)(y)
        x = layers.add([x, y])
    x = layers.Flatten()(layers.AveragePooling2D(8)(x))
    outputs = layers.Dense(10, activation="softmax", kernel_initializer="he_normal")(x)
    model = tf.keras.Model(inputs, outputs)
    model.compile(tf.keras.optimizers.Adam(1e-3), "categorical_crossentropy", ["accuracy"])
    model._make_train_function()
    model._make_test_function()
    return [[model.output, model.output.op.inputs[0]]]


def keras_unet_of_nuclei(tf):
    """A Keras U-Net with a sigmoid mask and a dice coefficient of its own."""
    layers, K = tf.keras.layers, tf.keras.backend
    inputs = tf.keras.Input((32, 32, 3))
    s = layers.Lambda(lambda x: x / 255)(inputs)
    c1 = layers.Conv2D(4, 3, activation="elu", padding="same")(s)
    c1 = layers.Dropout(0.1)(c1)
    c2 = layers.Conv2D(8, 3, activation="elu", padding="same")(layers.MaxPooling2D()(c1))
    u1 = layers.Conv2DTranspose(4, 2, strides=2, padding="same")(c2)
    c3 = layers.Conv2D(4, 3, activation="elu", padding="same")(layers.concatenate([u1, c1]))
    outputs = layers.Conv2D(1, 1, activation="sigmoid")(c3)
    model = tf.keras.Model(inputs, outputs)

    def dice(y_true, y_pred):
        both = K.sum(y_true * y_pred)
        return (2.0 * both + 1.0) / (K.sum(y_true) + K.sum(y_pred) + 1.0)

    model.compile("adam", "binary_crossentropy", metrics=[dice])
    model._make_train_function()
    return [[model.output, model.output.op.inputs[0]]]


def inception_slim_trained(tf):
    """An Inception as slim trains it: an auxiliary head, label smoothing, averages of weights."""
    images = tf.placeholder(tf.float32, [8, 64, 64, 3], "batch_processing/images")
    labels = tf.placeholder(tf.int32, [8], "batch_processing/labels")
    with tf.variable_scope("InceptionV3"):
        net = tf.layers.conv2d(images, 8, 3, 2, activation=tf.nn.relu, name="Conv2d_1a_3x3")
        net = tf.layers.batch_normalization(net, training=True, scale=False)
        a = tf.layers.conv2d(net, 8, 1, 1, "same", activation=tf.nn.relu, name="Branch_0")
        b = tf.layers.conv2d(net, 8, 3, 1, "same", activation=tf.nn.relu, name="Branch_1")
        net = tf.concat([a, b], 3, name="Mixed_5b")
        with tf.variable_scope("AuxLogits"):
            aux = tf.layers.average_pooling2d(net, 5, 3)
            aux = tf.layers.conv2d(tf.reduce_mean(aux, [1, 2], True), 21, 1, name="Conv2d_2b_1x1")
            aux = tf.squeeze(aux, [1, 2], name="SpatialSqueeze")
        with tf.variable_scope("Logits"):
            net = tf.reduce_mean(net, [1, 2], True)
            net = tf.nn.dropout(net, 0.8)
            logits = tf.layers.conv2d(net, 21, 1, name="Conv2d_1c_1x1")
            logits = tf.squeeze(logits, [1, 2], name="SpatialSqueeze")
        predictions = tf.nn.softmax(logits, name="Predictions/Softmax")
    onehot = tf.one_hot(labels, 21)
    tf.losses.softmax_cross_entropy(onehot, aux, 0.4, label_smoothing=0.1)
    tf.losses.softmax_cross_entropy(onehot, logits, 1.0, label_smoothing=0.1)
    total = tf.losses.get_total_loss()
    averages = tf.train.ExponentialMovingAverage(0.9, name="avg")
    averages.apply([total])
    step = tf.train.get_or_create_global_step()
    opt = tf.train.RMSPropOptimizer(0.1, 0.9, 0.9, 1.0)
    apply = opt.apply_gradients(opt.compute_gradients(total), global_step=step)
    moving = tf.train.ExponentialMovingAverage(0.9999, step)
    with tf.control_dependencies([apply]):
        moving.apply(tf.trainable_variables())
    tf.summary.histogram("activations/Logits", logits)
    return [[predictions, logits]]


def icnet_in_branches(tf):
    """Three resolutions of a street, each with a loss; the last one, enlarged, is the answer."""
    img = tf.placeholder(tf.float32, [1, 64, 64, 3], "image")
    lab = tf.placeholder(tf.int32, [1, 64, 64], "label")
    f = tf.layers.conv2d(img, 8, 3, 2, "same", activation=tf.nn.relu, name="conv1_sub1")
    g = tf.layers.conv2d(f, 8, 3, 2, "same", activation=tf.nn.relu, name="conv2_sub1")
    h = tf.layers.conv2d(g, 8, 3, 2, "same", activation=tf.nn.relu, name="conv3_1_sub4")
    sub4 = tf.image.resize_bilinear(h, [16, 16])
    sub24 = tf.nn.relu(tf.layers.conv2d(sub4, 8, 3, 1, "same") + g)
    sub12 = tf.nn.relu(tf.layers.conv2d(tf.image.resize_bilinear(sub24, [32, 32]), 8, 1) + f)
    outs = [
        tf.layers.conv2d(sub4, 19, 1, name="sub4_out"),
        tf.layers.conv2d(sub24, 19, 1, name="sub24_out"),
        tf.layers.conv2d(sub12, 19, 1, name="conv6_cls"),
    ]
    loss = 0.0
    for weight, out in zip((0.16, 0.4, 1.0), outs, strict=True):
        gt = tf.image.resize_nearest_neighbor(lab[..., None], out.shape[1:3])[..., 0]
        valid = tf.cast(tf.less(gt, 19), tf.float32)
        xent = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.minimum(gt, 18), logits=out)
        loss += weight * tf.reduce_sum(xent * valid) / tf.reduce_sum(valid)
    tf.train.MomentumOptimizer(5e-4, 0.9).minimize(loss)
    full = tf.image.resize_bilinear(outs[2], [64, 64])
    output = tf.argmax(full, axis=3)
    tf.metrics.mean_iou(tf.reshape(lab, [-1]), tf.reshape(output, [-1]), 19)
    return [[output, full, outs[2]]]


def stroke_repainted(tf):
    """Johnson's transfer: a transforming net, a frozen loss net, Gram matrices and variation."""
    content = tf.placeholder(tf.float32, [1, 32, 32, 3], "X_content")
    vgg = tf.constant([[[[0.1] * 8] * 3] * 3] * 3)

    def features(x):
        h = tf.nn.relu(tf.nn.conv2d(x - 120.0, vgg, [1, 1, 1, 1], "SAME"))
        return h, tf.nn.avg_pool(h, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")

    w = tf.Variable(tf.truncated_normal([9, 9, 3, 8], stddev=0.1), name="w1")
    h = tf.nn.conv2d(content / 255.0, w, [1, 1, 1, 1], "SAME")
    mean, var = tf.nn.moments(h, [1, 2], keepdims=True)
    h = tf.nn.relu((h - mean) / tf.sqrt(var + 1e-3) * tf.Variable(tf.ones([8])))
    w = tf.Variable(tf.truncated_normal([9, 9, 8, 3], stddev=0.1), name="w2")
    preds = tf.nn.tanh(tf.nn.conv2d(h, w, [1, 1, 1, 1], "SAME")) * 150 + 255.0 / 2
    want, got = features(content), features(preds)
    content_loss = 7.5 * tf.nn.l2_loss(want[1] - got[1])
    flat = tf.reshape(got[0], [-1, 8])
    gram = tf.matmul(flat, flat, transpose_a=True) / 8192.0
    style_loss = 100 * tf.nn.l2_loss(gram - tf.constant([[0.2] * 8] * 8))
    tv = tf.nn.l2_loss(preds[:, 1:] - preds[:, :31]) + tf.nn.l2_loss(
        preds[:, :, 1:] - preds[:, :, :31]
    )
    tf.train.AdamOptimizer(1e-3).minimize(content_loss + style_loss + 200 * tv)
    return [[preds]]


def boxes_looked_once(tf):
    """YOLO v1: one dense layer holds classes, confidences and boxes, cut into parts in the loss."""
    images = tf.placeholder(tf.float32, [None, 64, 64, 3], "images")
    labels = tf.placeholder(tf.float32, [None, 7, 7, 25])
    net = tf.layers.conv2d(images, 8, 7, 4, activation=tf.nn.leaky_relu)
    net = tf.layers.dense(tf.layers.flatten(net), 32, tf.nn.leaky_relu, name="fc_35")
    logits = tf.layers.dense(tf.nn.dropout(net, 0.5), 7 * 7 * 30, name="fc_36")
    classes = tf.reshape(logits[:, :980], [-1, 7, 7, 20])
    scales = tf.reshape(logits[:, 980:1078], [-1, 7, 7, 2])
    boxes = tf.reshape(logits[:, 1078:], [-1, 7, 7, 2, 4])
    response = labels[..., 0:1]
    gt = tf.tile(tf.reshape(labels[..., 1:5], [-1, 7, 7, 1, 4]), [1, 1, 1, 2, 1]) / 448.0
    lo = tf.maximum(boxes[..., :2] - tf.square(boxes[..., 2:]) / 2, gt[..., :2] - gt[..., 2:] / 2)
    hi = tf.minimum(boxes[..., :2] + tf.square(boxes[..., 2:]) / 2, gt[..., :2] + gt[..., 2:] / 2)
    inter = tf.reduce_prod(tf.maximum(0.0, hi - lo), 4)
    best = tf.reduce_max(inter, 3, keepdims=True)
    mask = tf.cast(inter >= best, tf.float32) * response
    class_loss = tf.reduce_sum(tf.square(response * (classes - labels[..., 5:])))
    object_loss = tf.reduce_sum(tf.square(mask * (scales - inter)))
    noobject = 0.5 * tf.reduce_sum(tf.square((1.0 - mask) * scales))
    coords = 5.0 * tf.reduce_sum(tf.square(mask[..., None] * (boxes - gt)))
    for each in (class_loss, object_loss, noobject, coords):
        tf.losses.add_loss(each)
    tf.summary.histogram("iou", inter)
    tf.train.GradientDescentOptimizer(1e-4).minimize(tf.losses.get_total_loss())
    return [[logits]]


def lines_read_by_attention(tf):
    """A text recogniser with a CTC head over a convolved picture; dense decoded symbols."""
    image = tf.placeholder(tf.float32, [None, 32, 96, 1], "input_image")
    widths = tf.placeholder(tf.int32, [None], "widths")
    labels = tf.sparse_placeholder(tf.int32, name="label")
    h = tf.layers.conv2d(image, 8, 3, (2, 2), "same", activation=tf.nn.relu)
    h = tf.layers.conv2d(h, 8, 3, (2, 2), "same", activation=tf.nn.relu)
    h = tf.reshape(tf.transpose(h, [0, 2, 1, 3]), [-1, 24, 64])
    fw, bw = tf.nn.rnn_cell.LSTMCell(8), tf.nn.rnn_cell.LSTMCell(8)
    outs, _ = tf.nn.bidirectional_dynamic_rnn(fw, bw, h, dtype=tf.float32)
    logits = tf.layers.dense(tf.concat(outs, 2), 37, name="logits")
    rnn = tf.transpose(logits, (1, 0, 2), name="time_major")
    loss = tf.reduce_mean(tf.nn.ctc_loss(labels, rnn, widths), name="ctc_loss_mean")
    decoded, _log_prob = tf.nn.ctc_beam_search_decoder(rnn, widths, merge_repeated=False)
    dense = tf.sparse_tensor_to_dense(tf.cast(decoded[0], tf.int32), default_value=-1, name="hyp")
    tf.reduce_mean(tf.edit_distance(tf.cast(decoded[0], tf.int32), labels))
    tf.train.AdadeltaOptimizer(0.1).minimize(loss)
    return [[dense, decoded[0].values, dense.op.inputs[2]], [rnn, logits]]


def crowded_densities(tf):
    """A multi-column density map, whose sum is the count."""
    image = tf.placeholder(tf.float32, [1, None, None, 1], "input_image")
    truth = tf.placeholder(tf.float32, [1, None, None, 1], "gt_density")
    columns = []
    for i, size in enumerate((9, 7, 5)):
        c = tf.layers.conv2d(image, 4, size, 1, "same", activation=tf.nn.relu, name=f"c{i}1")
        c = tf.layers.max_pooling2d(c, 2, 2)
        columns.append(
            tf.layers.conv2d(c, 4, size - 2, 1, "same", activation=tf.nn.relu, name=f"c{i}2")
        )
    density = tf.layers.conv2d(tf.concat(columns, 3), 1, 1, padding="same", name="map")
    loss = tf.reduce_sum(tf.square(truth - density)) / 2.0
    mae = tf.abs(tf.reduce_sum(density) - tf.reduce_sum(truth))
    tf.summary.scalar("mae", mae)
    tf.train.AdamOptimizer(1e-5).minimize(loss)
    return [[density]]


def faces_hashed_by_triplets(tf):
    """FaceNet as its repository trains it: placeholders beside a queue of paths, triplets."""
    batch = tf.placeholder(tf.int32, name="batch_size")
    lr = tf.placeholder(tf.float32, name="learning_rate")
    phase = tf.placeholder(tf.bool, name="phase_train")
    paths = tf.placeholder(tf.string, shape=(None, 3), name="image_paths")
    labels = tf.placeholder(tf.int64, shape=(None, 3), name="labels")
    queue = tf.FIFOQueue(100, [tf.string, tf.int64], [(3,), (3,)])
    queue.enqueue_many([paths, labels])
    names, label = queue.dequeue()
    images = []
    for name in tf.unstack(names):
        image = tf.image.decode_png(tf.read_file(name), channels=3)
        image = tf.image.resize_images(tf.random_crop(image, [32, 32, 3]), [32, 32])
        images.append(tf.image.per_image_standardization(image))
    image_batch, label_batch = tf.train.batch_join(
        [[images, label]],
        batch,
        shapes=[(32, 32, 3), ()],
        enqueue_many=True,
        allow_smaller_final_batch=True,
    )
    image_batch = tf.identity(image_batch, "input")
    tf.identity(label_batch, "label_batch")
    net = tf.layers.conv2d(image_batch, 8, 3, 4, activation=tf.nn.relu)
    net = tf.layers.batch_normalization(net, training=phase)
    net = tf.layers.dense(tf.layers.flatten(net), 16, name="Bottleneck")
    embeddings = tf.nn.l2_normalize(net, 1, 1e-10, name="embeddings")
    anchor, positive, negative = tf.unstack(tf.reshape(embeddings, [-1, 3, 16]), 3, 1)
    pos = tf.reduce_sum(tf.square(anchor - positive), 1)
    neg = tf.reduce_sum(tf.square(anchor - negative), 1)
    triplet = tf.reduce_mean(tf.maximum(pos - neg + 0.2, 0.0), 0)
    step = tf.Variable(0, trainable=False)
    rate = tf.train.exponential_decay(lr, step, 100, 1.0, staircase=True)
    tf.summary.scalar("learning_rate", rate)
    regs = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
    total = tf.add_n([triplet, *regs], name="total_loss")
    tf.train.AdagradOptimizer(rate).minimize(total, global_step=step)
    return [[embeddings, net]]


def codes_reconstructed(tf):
    """A denoising autoencoder with tied weights, noise added in the graph."""
    x = tf.placeholder(tf.float32, [None, 784])
    scale = tf.placeholder(tf.float32)
    w1 = tf.Variable(tf.truncated_normal([784, 16], stddev=0.1))
    b1, b2 = tf.Variable(tf.zeros([16])), tf.Variable(tf.zeros([784]))
    hidden = tf.nn.softplus(tf.matmul(x + scale * tf.random_normal((784,)), w1) + b1)
    reconstruction = tf.add(tf.matmul(hidden, tf.transpose(w1)), b2)
    cost = 0.5 * tf.reduce_sum(tf.pow(tf.subtract(reconstruction, x), 2.0))
    tf.train.AdamOptimizer(1e-3).minimize(cost)
    return [[reconstruction], [hidden]]
