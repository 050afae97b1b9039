"""Networks that see, by a second author, the truth written first (see `programs.py`)."""


def _conv(tf, x, n, k=3, s=1, act=True, name=None):
    activation = tf.nn.relu if act else None
    return tf.layers.conv2d(x, n, k, s, "same", activation=activation, name=name)


def contrastive_twins(tf):
    """A siamese pair and its contrastive loss: one side's embedding is fetched."""
    left = tf.placeholder(tf.float32, [None, 28, 28, 1], name="left")
    right = tf.placeholder(tf.float32, [None, 28, 28, 1], name="right")
    with tf.name_scope("similarity"):
        label = tf.placeholder(tf.int32, [None, 1], name="label")
        label = tf.to_float(label)

    def model(x, reuse):
        with tf.variable_scope("model", reuse=reuse):
            v = tf.layers.max_pooling2d(_conv(tf, x, 8, 7, name="conv1"), 2, 2)
            v = tf.layers.max_pooling2d(_conv(tf, v, 4, 5, name="conv2"), 2, 2)
            return tf.layers.flatten(_conv(tf, v, 2, 1, act=False, name="conv5"))

    left_output, right_output = model(left, False), model(right, True)
    d = tf.reduce_sum(tf.square(left_output - right_output), 1, keepdims=True)
    d_sqrt = tf.sqrt(d)
    loss = label * tf.square(tf.maximum(0.0, 0.5 - d_sqrt)) + (1 - label) * d
    loss = 0.5 * tf.reduce_mean(loss)
    tf.train.MomentumOptimizer(0.01, 0.99, use_nesterov=True).minimize(loss)
    return [[left_output, right_output]]


def one_shot_verification(tf):
    """Koch's siamese network: the distance of the twins ends in one probability."""
    x1 = tf.placeholder(tf.float32, [None, 32, 32, 1], "img_1")
    x2 = tf.placeholder(tf.float32, [None, 32, 32, 1], "img_2")
    y = tf.placeholder(tf.float32, [None, 1], "targets")
    keep = tf.placeholder(tf.float32, name="dropout")

    def tower(x):
        with tf.variable_scope("tower", reuse=tf.AUTO_REUSE):
            v = tf.layers.max_pooling2d(_conv(tf, x, 8, 5, name="c1"), 2, 2)
            v = tf.layers.flatten(_conv(tf, v, 8, 3, 2, name="c2"))
            return tf.nn.dropout(tf.layers.dense(v, 16, tf.nn.sigmoid, name="f"), keep)

    distance = tf.abs(tower(x1) - tower(x2))
    logits = tf.layers.dense(distance, 1, name="verdict")
    prob = tf.nn.sigmoid(logits)
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits))
    tf.train.AdamOptimizer(1e-4).minimize(loss)
    tf.reduce_mean(tf.cast(tf.equal(tf.round(prob), y), tf.float32))
    return [[prob, logits]]


def mining_triplets(tf):
    """Moindrot's triplets in a batch: embeddings, all pairs' distances in the loss."""
    images, labels = tf.data.make_one_shot_iterator(
        tf.data.Dataset.from_tensors(([[0.0] * 784] * 8, list(range(8)))).repeat()
    ).get_next()
    out = tf.reshape(images, [-1, 28, 28, 1])
    with tf.variable_scope("model"):
        for i, n in enumerate((4, 8)):
            with tf.variable_scope(f"block_{i + 1}"):
                out = _conv(tf, out, n, act=False)
                out = tf.layers.batch_normalization(out, momentum=0.9, training=True)
                out = tf.layers.max_pooling2d(tf.nn.relu(out), 2, 2)
        out = tf.reshape(out, [-1, 7 * 7 * 8])
        with tf.variable_scope("fc_1"):
            embeddings = tf.layers.dense(out, 16)
    tf.summary.scalar("embedding_mean_norm", tf.reduce_mean(tf.norm(embeddings, axis=1)))
    dot = tf.matmul(embeddings, tf.transpose(embeddings))
    square_norm = tf.diag_part(dot)
    distances = tf.expand_dims(square_norm, 0) - 2.0 * dot + tf.expand_dims(square_norm, 1)
    distances = tf.maximum(distances, 0.0)
    same = tf.to_float(tf.equal(tf.expand_dims(labels, 0), tf.expand_dims(labels, 1)))
    hardest_positive = tf.reduce_max(same * distances, axis=1, keepdims=True)
    largest = tf.reduce_max(distances, axis=1, keepdims=True)
    hardest_negative = tf.reduce_min(distances + largest * same, axis=1, keepdims=True)
    loss = tf.reduce_mean(tf.maximum(hardest_positive - hardest_negative + 0.5, 0.0))
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[embeddings]]


def sinusoid_maml(tf):
    """Learning to learn inside map_fn: the adapted outputs of each task come out of the loop."""
    inputa, inputb = (tf.placeholder(tf.float32, [None, 5, 1], n) for n in ("inputa", "inputb"))
    labela, labelb = (tf.placeholder(tf.float32, [None, 5, 1], n) for n in ("labela", "labelb"))
    with tf.variable_scope("model"):
        weights = {
            "w1": tf.Variable(tf.truncated_normal([1, 20], stddev=0.01)),
            "b1": tf.Variable(tf.zeros([20])),
            "w2": tf.Variable(tf.truncated_normal([20, 1], stddev=0.01)),
            "b2": tf.Variable(tf.zeros([1])),
        }

    def forward(x, w):
        return tf.matmul(tf.nn.relu(tf.matmul(x, w["w1"]) + w["b1"]), w["w2"]) + w["b2"]

    def task(elements):
        xa, xb, ya, yb = elements
        outa = forward(xa, weights)
        lossa = tf.reduce_mean(tf.square(outa - ya))
        grads = tf.gradients(lossa, list(weights.values()))
        grads = [tf.stop_gradient(g) for g in grads]
        fast = {k: w - 0.01 * g for (k, w), g in zip(weights.items(), grads, strict=True)}
        outb = forward(xb, fast)
        return [outa, outb, lossa, tf.reduce_mean(tf.square(outb - yb))]

    outas, outbs, lossesa, lossesb = tf.map_fn(
        task, (inputa, inputb, labela, labelb), dtype=[tf.float32] * 4
    )
    total = tf.reduce_sum(lossesb) / 25.0
    tf.reduce_sum(lossesa) / 25.0
    tf.train.AdamOptimizer(1e-3).minimize(total)
    return [[outbs], [outas]]


def prototypes(tf):
    """Prototypical networks: distances to means of the support's embeddings."""
    x = tf.placeholder(tf.float32, [None, None, 28, 28, 1])
    q = tf.placeholder(tf.float32, [None, None, 28, 28, 1])
    x_shape, q_shape = tf.shape(x), tf.shape(q)
    num_classes, num_support = x_shape[0], x_shape[1]
    num_queries = q_shape[1]
    y = tf.placeholder(tf.int64, [None, None])
    y_one_hot = tf.one_hot(y, depth=num_classes)

    def encoder(x, reuse):
        with tf.variable_scope("encoder", reuse=reuse):
            for i in range(2):
                x = tf.layers.max_pooling2d(_conv(tf, x, 4, name=f"conv_{i}"), 2, 2)
            return tf.layers.flatten(x)

    emb_x = encoder(tf.reshape(x, [num_classes * num_support, 28, 28, 1]), False)
    emb_dim = tf.shape(emb_x)[-1]
    emb_x = tf.reduce_mean(tf.reshape(emb_x, [num_classes, num_support, emb_dim]), axis=1)
    emb_q = encoder(tf.reshape(q, [num_classes * num_queries, 28, 28, 1]), True)
    a, b = tf.expand_dims(emb_q, 1), tf.expand_dims(emb_x, 0)
    dists = tf.reduce_mean(tf.square(a - b), axis=2)
    log_p_y = tf.reshape(tf.nn.log_softmax(-dists), [num_classes, num_queries, -1])
    loss = -tf.reduce_mean(tf.reshape(tf.reduce_sum(y_one_hot * log_p_y, axis=-1), [-1]))
    tf.reduce_mean(tf.to_float(tf.equal(tf.argmax(log_p_y, axis=-1), y)))
    tf.train.AdamOptimizer().minimize(loss)
    return [[log_p_y, emb_q, emb_x]]


def single_shot_boxes(tf):
    """SSD: classes and offsets of all scales joined, then suppressed."""
    image = tf.placeholder(tf.float32, [None, 64, 64, 3], name="image")
    gt_loc = tf.placeholder(tf.float32, [None, None, 4], name="gt_loc")
    gt_cls = tf.placeholder(tf.int32, [None, None], name="gt_cls")
    v = _conv(tf, _conv(tf, image, 8, 3, 2), 8, 3, 2)
    cls, loc = [], []
    for i in range(3):
        v = _conv(tf, v, 8, 3, 2, name=f"extra{i}")
        loc.append(
            tf.reshape(_conv(tf, v, 8, act=False, name=f"loc{i}"), [-1, 2 * (8 >> i) ** 2 // 4, 4])
        )
        cls.append(
            tf.reshape(_conv(tf, v, 6, act=False, name=f"cls{i}"), [-1, 2 * (8 >> i) ** 2 // 4, 3])
        )
    locs, confs = tf.concat(loc, 1, name="locs"), tf.concat(cls, 1, name="confs")
    conf_loss = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=confs, labels=gt_cls)
    positive = tf.to_float(gt_cls > 0)
    diff = tf.abs(locs - gt_loc)
    smooth = tf.where(diff < 1, 0.5 * diff**2, diff - 0.5)
    loc_loss = tf.reduce_sum(smooth, -1) * positive
    total = tf.reduce_mean(tf.reduce_sum(conf_loss + loc_loss, 1))
    tf.train.MomentumOptimizer(1e-3, 0.9).minimize(total)
    probs = tf.nn.softmax(confs)
    scores = tf.reduce_max(probs[0, :, 1:], axis=-1)
    chosen = tf.image.non_max_suppression(locs[0], scores, 10, 0.45)
    boxes, best = tf.gather(locs[0], chosen), tf.gather(scores, chosen)
    classes = tf.gather(tf.argmax(probs[0, :, 1:], -1), chosen)
    return [[boxes, locs], [best, probs, confs, classes]]


def look_once(tf):
    """YOLO v1: one vector holds classes, confidences and boxes."""
    images = tf.placeholder(tf.float32, [None, 64, 64, 3], name="images")
    labels = tf.placeholder(tf.float32, [None, 4, 4, 8], name="labels")
    with tf.variable_scope("yolo"):
        v = images
        for i in range(3):
            v = tf.layers.conv2d(v, 8, 3, 2, "same", activation=None, name=f"conv_{i}")
            v = tf.nn.leaky_relu(v, 0.1)
        v = tf.layers.dense(tf.layers.flatten(v), 32, tf.nn.leaky_relu, name="fc_33")
        v = tf.layers.dropout(v, 0.5)
        logits = tf.layers.dense(v, 4 * 4 * (3 + 2 * 5), name="fc_36")
    with tf.variable_scope("loss_layer"):
        classes = tf.reshape(logits[:, :48], [-1, 4, 4, 3])
        scales = tf.reshape(logits[:, 48:80], [-1, 4, 4, 2])
        boxes = tf.reshape(logits[:, 80:], [-1, 4, 4, 2, 4])
        response = labels[..., 0:1]
        true_boxes = tf.tile(tf.reshape(labels[..., 1:5], [-1, 4, 4, 1, 4]), [1, 1, 1, 2, 1])
        class_loss = tf.reduce_mean(tf.square(response * (classes - labels[..., 5:])))
        mask = tf.reduce_max(true_boxes, -1) * response
        object_loss = tf.reduce_mean(tf.square(mask * (scales - 1)))
        coord = tf.reduce_mean(tf.square(tf.expand_dims(mask, 4) * (boxes - true_boxes)))
        tf.losses.add_loss(class_loss)
        tf.losses.add_loss(object_loss)
        tf.losses.add_loss(coord)
    tf.train.GradientDescentOptimizer(1e-3).minimize(tf.losses.get_total_loss())
    return [[logits]]


def three_scales_yolo(tf):
    """YOLO v3 by layers: boxes decoded by anchors, suppressed class by class."""
    inputs = tf.placeholder(tf.float32, [1, 64, 64, 3], name="input_data")
    training = tf.placeholder(tf.bool, name="phase_train")
    truth = [tf.placeholder(tf.float32, [1, n, n, 1, 8], name=f"label_{n}") for n in (8, 4)]

    def block(v, n, s=1):
        v = tf.layers.conv2d(v, n, 3, s, "same", use_bias=False)
        return tf.nn.leaky_relu(tf.layers.batch_normalization(v, training=training), 0.1)

    with tf.variable_scope("yolov3/darknet"):
        route = block(block(block(inputs, 4, 2), 8, 2), 8, 2)
        deep = block(route, 8, 2)
    with tf.variable_scope("yolov3/head"):
        maps = [tf.layers.conv2d(deep, 8, 1, name="map_4")]
        up = tf.image.resize_nearest_neighbor(block(deep, 4), (8, 8))
        maps.insert(0, tf.layers.conv2d(tf.concat([up, route], -1), 8, 1, name="map_8"))
    loss, boxes, scores = 0.0, [], []
    for feature, label, n in zip(maps, truth, (8, 4), strict=True):
        out = tf.reshape(feature, [1, n, n, 1, 8])
        xy, wh = tf.sigmoid(out[..., :2]), tf.exp(out[..., 2:4]) * 16.0
        conf, prob = tf.sigmoid(out[..., 4:5]), tf.sigmoid(out[..., 5:])
        boxes.append(
            tf.reshape(tf.concat([xy * 64 / n - wh / 2, xy * 64 / n + wh / 2], -1), [-1, 4])
        )
        scores.append(tf.reshape(conf * prob, [-1, 3]))
        loss += tf.reduce_sum(label[..., 4:5] * tf.square(out[..., :4] - label[..., :4]))
        loss += tf.reduce_sum(
            tf.nn.sigmoid_cross_entropy_with_logits(labels=label[..., 4:], logits=out[..., 4:])
        )
    boxes, scores = tf.concat(boxes, 0), tf.concat(scores, 0)
    kept_boxes, kept_scores = [], []
    for i in range(3):
        kept = tf.image.non_max_suppression(boxes, scores[:, i], 20, 0.5)
        kept_boxes.append(tf.gather(boxes, kept))
        kept_scores.append(tf.gather(scores[:, i], kept))
    boxes_ = tf.concat(kept_boxes, 0)
    scores_ = tf.concat(kept_scores, 0)
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[boxes_, boxes], [scores_, scores]]


def region_heads(tf):
    """Faster R-CNN: proposals of one head are the regions of the other."""
    image = tf.placeholder(tf.float32, [1, 64, 64, 3])
    im_info = tf.placeholder(tf.float32, [3])
    gt_boxes = tf.placeholder(tf.float32, [None, 5])
    with tf.variable_scope("vgg_16"):
        net = _conv(tf, _conv(tf, image, 8, 3, 4, name="conv1"), 8, 3, 2, name="conv5")
        rpn = _conv(tf, net, 8, name="rpn_conv")
        rpn_cls = tf.reshape(_conv(tf, rpn, 2, 1, act=False, name="rpn_cls_score"), [-1, 2])
        rpn_box = tf.reshape(_conv(tf, rpn, 4, 1, act=False, name="rpn_bbox_pred"), [-1, 4])
        rpn_prob = tf.nn.softmax(rpn_cls, name="rpn_cls_prob")
        kept = tf.image.non_max_suppression(rpn_box, rpn_prob[:, 1], 16, 0.7)
        rois = tf.clip_by_value(tf.gather(rpn_box, kept), 0.0, im_info[0])
        crops = tf.image.crop_and_resize(
            net, rois / 64.0, tf.zeros([tf.shape(rois)[0]], tf.int32), [4, 4]
        )
        fc = tf.layers.dense(tf.reshape(crops, [-1, 128]), 16, tf.nn.relu, name="fc7")
        cls_score = tf.layers.dense(fc, 5, name="cls_score")
        cls_prob = tf.nn.softmax(cls_score, name="cls_prob")
        tf.argmax(cls_score, axis=1, name="cls_pred")
        bbox_pred = tf.layers.dense(fc, 20, name="bbox_pred")
    with tf.variable_scope("LOSS_default"):
        target = tf.to_int32(tf.fill([tf.shape(cls_score)[0]], gt_boxes[0, 4]))
        loss = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(logits=cls_score, labels=target)
        )
        loss += tf.reduce_mean(tf.abs(bbox_pred[:, :4] - gt_boxes[0, :4]))
        loss += tf.reduce_mean(tf.abs(rpn_box - gt_boxes[0, :4]))
        tf.losses.add_loss(loss)
    tf.train.MomentumOptimizer(1e-3, 0.9).minimize(loss)
    return [[cls_prob, cls_score], [bbox_pred], [rois]]


def pixels_annotated(tf):
    """FCN-8s: the arg-max of the upsampled sum, with a channel of its own."""
    keep = tf.placeholder(tf.float32, name="keep_probabilty")
    image = tf.placeholder(tf.float32, shape=[None, 32, 32, 3], name="input_image")
    annotation = tf.placeholder(tf.int32, shape=[None, 32, 32, 1], name="annotation")
    with tf.variable_scope("inference"):
        pool3 = tf.layers.max_pooling2d(_conv(tf, image - 120.0, 8), 2, 2)
        pool4 = tf.layers.max_pooling2d(_conv(tf, pool3, 8), 2, 2)
        relu7 = tf.nn.dropout(_conv(tf, pool4, 16, 7), keep_prob=keep)
        conv8 = _conv(tf, relu7, 5, 1, act=False)
        W1 = tf.Variable(tf.truncated_normal([4, 4, 8, 5], stddev=0.02), name="W_t1")
        t1 = tf.nn.conv2d_transpose(conv8, W1, tf.shape(pool3), [1, 2, 2, 1], "SAME")
        fuse = tf.add(tf.nn.bias_add(t1, tf.Variable(tf.zeros([8]))), pool3, name="fuse_1")
        shape = tf.shape(image)
        W3 = tf.Variable(tf.truncated_normal([16, 16, 5, 8], stddev=0.02), name="W_t3")
        deconv = tf.stack([shape[0], shape[1], shape[2], 5])
        t3 = tf.nn.conv2d_transpose(fuse, W3, deconv, [1, 2, 2, 1], "SAME")
        logits = tf.nn.bias_add(t3, tf.Variable(tf.zeros([5]), name="b_t3"))
        pred = tf.argmax(logits, dimension=3, name="prediction")
        pred_annotation = tf.expand_dims(pred, dim=3)
    tf.summary.image("pred_annotation", tf.cast(pred_annotation, tf.uint8), max_outputs=2)
    loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(
            logits=logits, labels=tf.squeeze(annotation, squeeze_dims=[3]), name="entropy"
        )
    )
    optimizer = tf.train.AdamOptimizer(1e-4)
    optimizer.apply_gradients(optimizer.compute_gradients(loss, var_list=tf.trainable_variables()))
    return [[pred_annotation, pred, logits]]


def sub_pixels(tf):
    """ESPCN: depth to space, then the range of images."""
    lr = tf.placeholder(tf.float32, [None, None, None, 3], name="lr_image")
    hr = tf.placeholder(tf.float32, [None, None, None, 3], name="hr_image")
    with tf.variable_scope("espcn"):
        v = tf.layers.conv2d(lr / 127.5 - 1.0, 16, 5, 1, "same", activation=tf.nn.tanh)
        v = tf.layers.conv2d(v, 8, 3, 1, "same", activation=tf.nn.tanh)
        v = tf.layers.conv2d(v, 12, 3, 1, "same")
        ps = tf.depth_to_space(v, 2)
    sr = tf.tanh(ps)
    sr_image = tf.cast(tf.clip_by_value((sr + 1.0) * 127.5, 0, 255), tf.uint8)
    loss = tf.losses.mean_squared_error(hr / 127.5 - 1.0, sr)
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    mse = tf.reduce_mean(tf.squared_difference(tf.to_float(sr_image), hr))
    tf.summary.scalar("psnr", 10 * tf.log(255.0**2 / mse) / tf.log(10.0))
    return [[sr_image, sr, ps]]
