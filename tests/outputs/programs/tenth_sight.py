"""A tenth blind set, of pictures: written before the rules of its time were read."""


def digits_by_names_of_old(tf):
    """LeNet with weights by hand, a keep probability, counts of right answers."""
    x = tf.placeholder("float", shape=[None, 784])
    y_ = tf.placeholder("float", shape=[None, 10])
    keep = tf.placeholder("float")
    image = tf.reshape(x, [-1, 28, 28, 1])
    w1 = tf.Variable(tf.truncated_normal([5, 5, 1, 6], stddev=0.1))
    h = tf.nn.relu(tf.nn.conv2d(image, w1, [1, 1, 1, 1], "SAME") + tf.Variable(tf.zeros([6])))
    h = tf.nn.avg_pool(h, [1, 4, 4, 1], [1, 4, 4, 1], "SAME")
    flat = tf.reshape(h, [-1, 7 * 7 * 6])
    w2 = tf.Variable(tf.truncated_normal([294, 10], stddev=0.1))
    y = tf.nn.softmax(tf.matmul(tf.nn.dropout(flat, keep), w2) + tf.Variable(tf.zeros([10])))
    loss = -tf.reduce_sum(y_ * tf.log(tf.clip_by_value(y, 1e-10, 1.0)))
    tf.train.GradientDescentOptimizer(1e-3).minimize(loss)
    right = tf.equal(tf.argmax(y, 1), tf.argmax(y_, 1))
    tf.reduce_sum(tf.cast(right, tf.int32))
    return [[y, y.op.inputs[0]]]


def squeezed(tf):
    """SqueezeNet: the last convolution has the classes, their mean over the map is the logits."""
    x = tf.placeholder(tf.float32, [None, 32, 32, 3], "input_images")
    labels = tf.placeholder(tf.int32, [None], "labels")
    training = tf.placeholder_with_default(False, [], "is_training")

    def fire(h, squeeze, expand, name):
        with tf.variable_scope(name):
            s = tf.layers.conv2d(h, squeeze, 1, activation=tf.nn.relu)
            one = tf.layers.conv2d(s, expand, 1, activation=tf.nn.relu)
            three = tf.layers.conv2d(s, expand, 3, padding="same", activation=tf.nn.relu)
            return tf.concat([one, three], 3)

    h = tf.layers.conv2d(x, 8, 3, 2, activation=tf.nn.relu, name="conv1")
    h = fire(tf.layers.max_pooling2d(h, 3, 2), 4, 8, "fire2")
    h = tf.layers.dropout(fire(h, 4, 8, "fire3"), 0.5, training=training)
    maps = tf.layers.conv2d(h, 10, 1, name="conv10")
    logits = tf.reduce_mean(maps, [1, 2], name="global_pool")
    loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
    step = tf.train.get_or_create_global_step()
    rate = tf.train.polynomial_decay(0.04, step, 1000)
    tf.train.RMSPropOptimizer(rate).minimize(loss, step)
    top5 = tf.nn.in_top_k(logits, labels, 5)
    tf.summary.scalar("top5", tf.reduce_mean(tf.cast(top5, tf.float32)))
    tf.summary.merge_all()
    return [[logits, maps]]


def shuffled_channels(tf):
    """ShuffleNet, smooth labels, moving averages of weights for use, weights decayed."""
    x = tf.placeholder(tf.float32, [None, 16, 16, 3], "images")
    y = tf.placeholder(tf.int64, [None], "targets")
    h = tf.layers.conv2d(x, 8, 3, 2, "same")
    for i in range(2):
        halves = [
            tf.layers.conv2d(each, 4, 1, name=f"g{i}_{n}")
            for n, each in enumerate(tf.split(h, 2, 3))
        ]
        c = tf.reshape(tf.concat(halves, 3), [-1, 8, 8, 2, 4])
        h = tf.reshape(tf.transpose(c, [0, 1, 2, 4, 3]), [-1, 8, 8, 8])
        h = tf.nn.relu(tf.layers.batch_normalization(h, training=True))
    logits = tf.layers.dense(tf.reduce_mean(h, [1, 2]), 10, name="classifier")
    prob = tf.nn.softmax(logits, name="probabilities")
    loss = tf.losses.softmax_cross_entropy(tf.one_hot(y, 10), logits, label_smoothing=0.1)
    decay = tf.add_n([tf.nn.l2_loss(v) for v in tf.trainable_variables()]) * 4e-5
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    with tf.control_dependencies(updates):
        train = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss + decay)
    with tf.control_dependencies([train]):
        tf.train.ExponentialMovingAverage(0.99).apply(tf.trainable_variables())
    tf.metrics.accuracy(y, tf.argmax(prob, 1))
    return [[prob, logits]]


def fully_convolved(tf):
    """FCN-8s: fused scores of three depths, enlarged; annotations of one channel."""
    keep = tf.placeholder(tf.float32, name="keep_probabilty")
    image = tf.placeholder(tf.float32, [None, 32, 32, 3], "input_image")
    annotation = tf.placeholder(tf.int32, [None, 32, 32, 1], "annotation")
    p3 = tf.layers.conv2d(
        image - [[[[123.0, 117.0, 104.0]]]], 8, 3, 4, "same", activation=tf.nn.relu
    )
    p4 = tf.layers.conv2d(p3, 8, 3, 2, "same", activation=tf.nn.relu)
    p5 = tf.nn.dropout(tf.layers.conv2d(p4, 8, 3, 2, "same", activation=tf.nn.relu), keep)
    score = tf.layers.conv2d(p5, 5, 1)
    up = tf.layers.conv2d_transpose(score, 8, 4, 2, "same") + p4
    up = tf.layers.conv2d_transpose(up, 8, 4, 2, "same") + p3
    logits = tf.layers.conv2d_transpose(up, 5, 8, 4, "same")
    best = tf.argmax(logits, 3, name="prediction")
    pred = tf.expand_dims(best, 3)
    tf.summary.image("pred_annotation", tf.cast(pred, tf.uint8))
    loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(
            logits=logits, labels=tf.squeeze(annotation, [3])
        )
    )
    opt = tf.train.AdamOptimizer(1e-4)
    opt.apply_gradients(opt.compute_gradients(loss))
    tf.summary.scalar("entropy", loss)
    tf.summary.merge_all()
    return [[pred, best, logits]]


def proposals_of_faces(tf):
    """MTCNN's first net in training: three heads, each with losses over the hard samples."""
    image = tf.placeholder(tf.float32, [8, 12, 12, 3], "input_image")
    label = tf.placeholder(tf.float32, [8], "label")
    box = tf.placeholder(tf.float32, [8, 4], "bbox_target")
    marks = tf.placeholder(tf.float32, [8, 10], "landmark_target")
    h = tf.layers.conv2d(image, 10, 3, activation=tf.nn.leaky_relu, name="conv1")
    h = tf.layers.conv2d(
        tf.layers.max_pooling2d(h, 2, 2), 16, 3, activation=tf.nn.leaky_relu, name="conv2"
    )
    h = tf.layers.conv2d(h, 32, 3, activation=tf.nn.leaky_relu, name="conv3")
    cls = tf.layers.conv2d(h, 2, 1, activation=tf.nn.softmax, name="conv4_1")
    bbox = tf.layers.conv2d(h, 4, 1, name="conv4_2")
    mark = tf.layers.conv2d(h, 10, 1, name="conv4_3")
    cls_prob, bbox_pred = (
        tf.squeeze(cls, [1, 2], name="cls_prob"),
        tf.squeeze(bbox, [1, 2], name="bbox_pred"),
    )
    mark_pred = tf.squeeze(mark, [1, 2], name="landmark_pred")

    def hard(values, chosen):
        count = tf.cast(tf.reduce_sum(chosen) * 0.7, tf.int32)
        _, index = tf.nn.top_k(values * chosen, k=count)
        return tf.reduce_mean(tf.gather(values, index))

    face = tf.cast(label > 0, tf.float32)
    p = tf.where(label > 0, cls_prob[:, 1], cls_prob[:, 0])
    total = hard(-tf.log(p + 1e-10), tf.cast(label >= 0, tf.float32))
    total += 0.5 * hard(tf.reduce_sum(tf.square(bbox_pred - box), 1), face)
    total += 0.5 * hard(
        tf.reduce_sum(tf.square(mark_pred - marks), 1), tf.cast(label < -1, tf.float32)
    )
    right = tf.equal(tf.argmax(cls_prob, 1), tf.cast(label, tf.int64))
    tf.summary.scalar("cls_accuracy", tf.reduce_mean(tf.cast(right, tf.float32)))
    tf.train.MomentumOptimizer(0.01, 0.9).minimize(total)
    return [[cls_prob, cls], [bbox_pred, bbox], [mark_pred, mark]]


def words_by_geometry_and_score(tf):
    """EAST: score map by dice, distances by overlap, angles by cosine, joined."""
    images = tf.placeholder(tf.float32, [None, None, None, 3], "input_images")
    scores = tf.placeholder(tf.float32, [None, None, None, 1], "input_score_maps")
    geo = tf.placeholder(tf.float32, [None, None, None, 5], "input_geo_maps")
    mask = tf.placeholder(tf.float32, [None, None, None, 1], "input_training_masks")
    with tf.variable_scope("feature_fusion"):
        h = tf.layers.conv2d(images, 8, 3, 2, "same", activation=tf.nn.relu)
        h = tf.layers.conv2d(h, 8, 3, 2, "same", activation=tf.nn.relu)
        score = tf.layers.conv2d(h, 1, 1, activation=tf.nn.sigmoid)
        reach = tf.layers.conv2d(h, 4, 1, activation=tf.nn.sigmoid) * 512
        angle = (tf.layers.conv2d(h, 1, 1, activation=tf.nn.sigmoid) - 0.5) * 3.14 / 2
        geometry = tf.concat([reach, angle], axis=-1)
    both = tf.reduce_sum(scores * score * mask)
    dice = 1.0 - 2 * both / (tf.reduce_sum(scores * mask) + tf.reduce_sum(score * mask) + 1e-5)
    d1, t1 = tf.split(geo, [4, 1], 3)
    d2, t2 = tf.split(geometry, [4, 1], 3)
    inter = tf.reduce_sum(tf.minimum(d1, d2), 3, keepdims=True)
    union = tf.reduce_sum(tf.maximum(d1, d2), 3, keepdims=True)
    cost = -tf.log((inter + 1.0) / (union + 1.0)) + 20 * (1 - tf.cos(t2 - t1))
    loss = tf.reduce_mean(cost * scores * mask) + dice * 0.01
    step = tf.Variable(0, trainable=False, name="global_step")
    tf.train.AdamOptimizer(tf.train.exponential_decay(1e-4, step, 100, 0.94)).minimize(loss, step)
    return [[score], [geometry]]


def flows_at_scales(tf):
    """FlowNetS: predicted flow at three scales, endpoint errors of each, the finest enlarged."""
    a = tf.placeholder(tf.float32, [4, 32, 32, 3], "image_a")
    b = tf.placeholder(tf.float32, [4, 32, 32, 3], "image_b")
    truth = tf.placeholder(tf.float32, [4, 32, 32, 2], "flow")
    act = tf.nn.leaky_relu
    c1 = tf.layers.conv2d(tf.concat([a, b], 3), 8, 3, 2, "same", activation=act)
    c2 = tf.layers.conv2d(c1, 8, 3, 2, "same", activation=act)
    c3 = tf.layers.conv2d(c2, 8, 3, 2, "same", activation=act)
    flow3 = tf.layers.conv2d(c3, 2, 3, 1, "same", name="predict_flow3")
    u2 = tf.concat([tf.layers.conv2d_transpose(c3, 8, 4, 2, "same", activation=act), c2], 3)
    flow2 = tf.layers.conv2d(u2, 2, 3, 1, "same", name="predict_flow2")
    u1 = tf.concat([tf.layers.conv2d_transpose(u2, 8, 4, 2, "same", activation=act), c1], 3)
    flow1 = tf.layers.conv2d(u1, 2, 3, 1, "same", name="predict_flow1")
    flow = tf.image.resize_bilinear(flow1 * 20.0, [32, 32], align_corners=True)
    losses = []
    for weight, each, size in ((0.32, flow3, 4), (0.08, flow2, 8), (0.02, flow1, 16)):
        small = tf.image.resize_bilinear(truth * 0.05, [size, size])
        error = tf.sqrt(tf.reduce_sum(tf.square(each - small), 3) + 1e-9)
        losses.append(weight * tf.reduce_mean(error))
    tf.train.AdamOptimizer(1e-4).minimize(tf.add_n(losses))
    return [[flow, flow1]]


def actions_of_clips(tf):
    """C3D over two towers, their gradients averaged; the joined softmax is what is tested."""
    clips = tf.placeholder(tf.float32, [4, 8, 16, 16, 3])
    labels = tf.placeholder(tf.int64, [4])
    opt, grads, logits = tf.train.AdamOptimizer(1e-4), [], []
    for gpu in range(2):
        with tf.variable_scope("var_name", reuse=bool(gpu)), tf.name_scope(f"gpu_{gpu}"):
            part = clips[gpu * 2 : gpu * 2 + 2]
            h = tf.layers.conv3d(part, 8, 3, 2, "same", activation=tf.nn.relu, name="c1")
            h = tf.layers.max_pooling3d(h, 2, 2)
            logit = tf.layers.dense(tf.layers.flatten(h), 11, name="out")
        entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=labels[gpu * 2 : gpu * 2 + 2], logits=logit
        )
        grads.append(opt.compute_gradients(tf.reduce_mean(entropy)))
        logits.append(logit)
    joined = tf.concat(logits, 0)
    norm = tf.nn.softmax(joined)
    right = tf.equal(tf.argmax(joined, 1), labels)
    tf.summary.scalar("accuracy", tf.reduce_mean(tf.cast(right, tf.float32)))
    mean = [((g1 + g2) / 2, v) for (g1, v), (g2, _) in zip(*grads, strict=True)]
    opt.apply_gradients(mean)
    return [[norm, joined]]


def bags_of_tiles(tf):
    """Attention over the tiles of one slide: whether the slide is ill, and where one looks."""
    tiles = tf.placeholder(tf.float32, [None, 27, 27, 3], "bag")
    ill = tf.placeholder(tf.float32, [], "bag_label")
    h = tf.layers.conv2d(tiles, 8, 4, 3, activation=tf.nn.relu)
    h = tf.layers.dense(tf.layers.flatten(h), 16, tf.nn.relu)
    gate = tf.layers.dense(h, 8, tf.tanh) * tf.layers.dense(h, 8, tf.sigmoid)
    weights = tf.nn.softmax(tf.layers.dense(gate, 1), axis=0, name="attention")
    pooled = tf.matmul(weights, h, transpose_a=True)
    prob = tf.sigmoid(tf.layers.dense(pooled, 1), name="bag_probability")
    p = tf.clip_by_value(prob, 1e-5, 1 - 1e-5)
    loss = -tf.reduce_sum(ill * tf.log(p) + (1 - ill) * tf.log(1 - p))
    tf.train.AdamOptimizer(5e-4).minimize(loss)
    tf.abs(ill - tf.round(prob))
    return [[prob]]
