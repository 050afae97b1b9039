"""Regressions and classifiers of the tutorials (see `programs.py`)."""


def mnist_softmax(tf):
    x = tf.placeholder(tf.float32, [None, 784])
    W = tf.Variable(tf.zeros([784, 10]))
    b = tf.Variable(tf.zeros([10]))
    logits = tf.matmul(x, W) + b
    y = tf.nn.softmax(logits)
    y_ = tf.placeholder(tf.float32, [None, 10])
    cross_entropy = tf.reduce_mean(-tf.reduce_sum(y_ * tf.log(y), reduction_indices=[1]))
    tf.train.GradientDescentOptimizer(0.5).minimize(cross_entropy)
    correct = tf.equal(tf.argmax(y, 1), tf.argmax(y_, 1))
    tf.reduce_mean(tf.cast(correct, tf.float32))
    tf.global_variables_initializer()
    return [[y, logits]]


def mnist_expert(tf):
    def weight(shape):
        return tf.Variable(tf.truncated_normal(shape, stddev=0.1))

    def bias(shape):
        return tf.Variable(tf.constant(0.1, shape=shape))

    x = tf.placeholder(tf.float32, shape=[None, 784])
    y_ = tf.placeholder(tf.float32, shape=[None, 10])
    image = tf.reshape(x, [-1, 28, 28, 1])
    conv = tf.nn.relu(tf.nn.conv2d(image, weight([5, 5, 1, 32]), [1, 1, 1, 1], "SAME") + bias([32]))
    pool = tf.nn.max_pool(conv, [1, 4, 4, 1], [1, 4, 4, 1], "SAME")
    flat = tf.reshape(pool, [-1, 7 * 7 * 32])
    hidden = tf.nn.relu(tf.matmul(flat, weight([7 * 7 * 32, 64])) + bias([64]))
    keep_prob = tf.placeholder(tf.float32)
    y_conv = tf.matmul(tf.nn.dropout(hidden, keep_prob), weight([64, 10])) + bias([10])
    cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y_, logits=y_conv))
    tf.train.AdamOptimizer(1e-4).minimize(cost)
    correct = tf.equal(tf.argmax(y_conv, 1), tf.argmax(y_, 1))
    accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))
    tf.summary.scalar("accuracy", accuracy)
    tf.summary.merge_all()
    return [[y_conv, correct.op.inputs[0]]]


def mnist_with_summaries(tf):
    def layer(value, width, name, act=tf.nn.relu):
        with tf.name_scope(name):
            with tf.name_scope("weights"):
                w = tf.Variable(tf.truncated_normal([int(value.shape[1]), width], stddev=0.1))
                with tf.name_scope("summaries"):
                    mean = tf.reduce_mean(w)
                    tf.summary.scalar("mean", mean)
                    tf.summary.scalar("stddev", tf.sqrt(tf.reduce_mean(tf.square(w - mean))))
                    tf.summary.histogram("histogram", w)
            with tf.name_scope("biases"):
                b = tf.Variable(tf.constant(0.1, shape=[width]))
            with tf.name_scope("Wx_plus_b"):
                pre = tf.matmul(value, w) + b
                tf.summary.histogram("pre_activations", pre)
            out = act(pre, name="activation")
            tf.summary.histogram("activations", out)
            return out

    with tf.name_scope("input"):
        x = tf.placeholder(tf.float32, [None, 784], name="x-input")
        y_ = tf.placeholder(tf.int64, [None], name="y-input")
    with tf.name_scope("input_reshape"):
        tf.summary.image("input", tf.reshape(x, [-1, 28, 28, 1]), 10)
    hidden = layer(x, 50, "layer1")
    with tf.name_scope("dropout"):
        keep_prob = tf.placeholder(tf.float32)
        tf.summary.scalar("dropout_keep_probability", keep_prob)
        dropped = tf.nn.dropout(hidden, keep_prob)
    y = layer(dropped, 10, "layer2", act=tf.identity)
    with tf.name_scope("cross_entropy"), tf.name_scope("total"):
        cost = tf.losses.sparse_softmax_cross_entropy(labels=y_, logits=y)
    tf.summary.scalar("cross_entropy", cost)
    with tf.name_scope("train"):
        tf.train.AdamOptimizer(0.001).minimize(cost)
    with tf.name_scope("accuracy"):
        with tf.name_scope("correct_prediction"):
            best = tf.argmax(y, 1)
            correct = tf.equal(best, y_)
        with tf.name_scope("accuracy"):
            tf.summary.scalar("accuracy", tf.reduce_mean(tf.cast(correct, tf.float32)))
    tf.summary.merge_all()
    return [[y, y.op.inputs[0], best]]


def linear_fit(tf):
    X = tf.placeholder("float")
    Y = tf.placeholder("float")
    W = tf.Variable(0.3, name="weight")
    b = tf.Variable(0.1, name="bias")
    pred = tf.add(tf.multiply(X, W), b)
    cost = tf.reduce_sum(tf.pow(pred - Y, 2)) / (2 * 17)
    tf.train.GradientDescentOptimizer(0.01).minimize(cost)
    return [[pred]]


def linear_fit_of_constants(tf):
    data = tf.constant([[1.0], [2.0], [3.0]], name="x_data")
    W = tf.Variable(tf.random_uniform([1], -1.0, 1.0))
    b = tf.Variable(tf.zeros([1]))
    y = W * data + b
    loss = tf.reduce_mean(tf.square(y - tf.constant([[0.4], [0.5], [0.6]])))
    tf.train.GradientDescentOptimizer(0.5).minimize(loss)
    return [[y]]


def restored_operation(tf):
    w1 = tf.placeholder("float", name="w1")
    w2 = tf.placeholder("float", name="w2")
    b1 = tf.Variable(2.0, name="bias")
    return [[tf.multiply(tf.add(w1, w2), b1, name="op_to_restore")]]


def sum_of_variables(tf):
    v1 = tf.Variable(tf.constant(1.0, shape=[1]), name="v1")
    v2 = tf.Variable(tf.constant(2.0, shape=[1]), name="v2")
    return [[v1 + v2]]


def perceptron(tf):
    X = tf.placeholder("float", [None, 784])
    Y = tf.placeholder("float", [None, 10])
    weights = {
        "h1": tf.Variable(tf.random_normal([784, 32])),
        "h2": tf.Variable(tf.random_normal([32, 32])),
        "out": tf.Variable(tf.random_normal([32, 10])),
    }
    biases = {k: tf.Variable(tf.random_normal([n])) for k, n in (("b1", 32), ("b2", 32), ("o", 10))}
    layer_1 = tf.add(tf.matmul(X, weights["h1"]), biases["b1"])
    layer_2 = tf.add(tf.matmul(layer_1, weights["h2"]), biases["b2"])
    logits = tf.matmul(layer_2, weights["out"]) + biases["o"]
    cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=Y))
    tf.train.AdamOptimizer(learning_rate=0.001).minimize(cost)
    pred = tf.nn.softmax(logits)
    correct = tf.equal(tf.argmax(pred, 1), tf.argmax(Y, 1))
    tf.reduce_mean(tf.cast(correct, "float"))
    return [[pred, logits]]


def logistic_hypothesis(tf):
    X = tf.placeholder(tf.float32, shape=[None, 2])
    Y = tf.placeholder(tf.float32, shape=[None, 1])
    W = tf.Variable(tf.random_normal([2, 1]), name="weight")
    b = tf.Variable(tf.random_normal([1]), name="bias")
    logits = tf.matmul(X, W) + b
    hypothesis = tf.sigmoid(logits)
    cost = -tf.reduce_mean(Y * tf.log(hypothesis) + (1 - Y) * tf.log(1 - hypothesis))
    tf.train.GradientDescentOptimizer(learning_rate=0.01).minimize(cost)
    predicted = tf.cast(hypothesis > 0.5, dtype=tf.float32)
    tf.reduce_mean(tf.cast(tf.equal(predicted, Y), dtype=tf.float32))
    return [[hypothesis, logits, predicted]]


def queue_tutorial(tf):
    images = tf.train.batch([tf.random_uniform([784])], batch_size=100)
    labels = tf.train.batch([tf.constant(1, tf.int32)], batch_size=100)
    for name, width in (("hidden1", 64), ("hidden2", 32), ("softmax_linear", 10)):
        with tf.name_scope(name):
            size = [int(images.shape[1]), width]
            weights = tf.Variable(tf.truncated_normal(size, stddev=0.1), name="weights")
            biases = tf.Variable(tf.zeros([width]), name="biases")
            images = tf.matmul(images, weights) + biases
            if name != "softmax_linear":
                images = tf.nn.relu(images)
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.to_int64(labels), logits=images, name="xentropy"
    )
    loss = tf.reduce_mean(entropy, name="xentropy_mean")
    step = tf.Variable(0, name="global_step", trainable=False)
    tf.summary.scalar("loss", loss)
    tf.train.GradientDescentOptimizer(0.01).minimize(loss, global_step=step)
    tf.reduce_sum(tf.cast(tf.nn.in_top_k(images, labels, 1), tf.int32))
    return [[images]]


def cifar_tutorial(tf):
    images = tf.placeholder(tf.float32, [128, 24, 24, 3])
    labels = tf.placeholder(tf.int32, [128])
    value = images
    for name, depth in (("conv1", 64), ("conv2", 64)):
        with tf.variable_scope(name) as scope:
            kernel = tf.get_variable("weights", [5, 5, int(value.shape[3]), depth])
            biases = tf.get_variable("biases", [depth])
            conv = tf.nn.conv2d(value, kernel, [1, 1, 1, 1], padding="SAME")
            value = tf.nn.relu(tf.nn.bias_add(conv, biases), name=scope.name)
            tf.summary.scalar(scope.name + "/sparsity", tf.nn.zero_fraction(value))
        value = tf.nn.max_pool(value, [1, 3, 3, 1], [1, 2, 2, 1], "SAME", name="pool" + name[-1])
    value = tf.reshape(value, [128, -1])
    with tf.variable_scope("local3") as scope:
        weights = tf.get_variable("weights", [int(value.shape[1]), 192])
        tf.add_to_collection("losses", tf.multiply(tf.nn.l2_loss(weights), 0.004, name="wd"))
        local = tf.nn.relu(
            tf.matmul(value, weights) + tf.get_variable("biases", [192]), name="local3"
        )
    with tf.variable_scope("softmax_linear") as scope:
        weights, biases = tf.get_variable("weights", [192, 10]), tf.get_variable("biases", [10])
        logits = tf.add(tf.matmul(local, weights), biases, name=scope.name)
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.cast(labels, tf.int64), logits=logits, name="cross_entropy_per_example"
    )
    tf.add_to_collection("losses", tf.reduce_mean(entropy, name="cross_entropy"))
    total = tf.add_n(tf.get_collection("losses"), name="total_loss")
    averages = tf.train.ExponentialMovingAverage(0.9, name="avg")
    step = tf.train.get_or_create_global_step()
    with tf.control_dependencies([averages.apply([*tf.get_collection("losses"), total])]):
        optimizer = tf.train.GradientDescentOptimizer(0.1)
        gradients = optimizer.compute_gradients(total)
    applied = optimizer.apply_gradients(gradients, global_step=step)
    shadows = tf.train.ExponentialMovingAverage(0.999, step)
    with tf.control_dependencies([applied]):
        shadows.apply(tf.trainable_variables())
    return [[logits]]


def house_price_columns(tf):
    numbers = tf.placeholder(tf.float32, [None, 6], name="features")
    town = tf.placeholder(tf.int32, [None], name="town")
    target = tf.placeholder(tf.float32, [None], name="price")
    table = tf.get_variable("town_embedding", [40, 8])
    value = tf.concat([numbers, tf.nn.embedding_lookup(table, town)], 1)
    value = tf.layers.batch_normalization(tf.layers.dense(value, 32, tf.nn.relu), training=True)
    price = tf.squeeze(tf.layers.dense(value, 1), axis=1)
    loss = tf.losses.huber_loss(target, price) + tf.losses.get_regularization_loss()
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        tf.train.RMSPropOptimizer(0.01).minimize(loss, tf.train.get_or_create_global_step())
    return [[price, price.op.inputs[0]]]


def iterator_classifier(tf):
    data = tf.data.Dataset.from_tensor_slices((tf.zeros([20, 30]), tf.zeros([20], tf.int64)))
    kinds, shapes = tf.data.get_output_types(data), tf.data.get_output_shapes(data.batch(4))
    features, labels = tf.data.Iterator.from_structure(kinds, shapes).get_next()
    training = tf.placeholder_with_default(False, [], name="is_training")
    value = tf.layers.dropout(tf.layers.dense(features, 20, tf.nn.relu), 0.5, training=training)
    logits = tf.layers.dense(value, 5)
    classes = tf.argmax(logits, axis=1)
    probabilities = tf.nn.softmax(logits, name="softmax_tensor")
    loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
    _, update = tf.metrics.accuracy(labels, classes)
    tf.summary.scalar("train_accuracy", update)
    step = tf.train.get_or_create_global_step()
    tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss, global_step=step)
    return [[probabilities, classes, logits]]


def collected_prediction(tf):
    x = tf.placeholder(tf.float32, [None, 9], name="x")
    y = tf.placeholder(tf.float32, [None, 3], name="y")
    value = tf.nn.relu(tf.layers.dense(x, 12))
    out = tf.layers.dense(value, 3, name="fc")
    tf.add_to_collection("predict", out)
    cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=out))
    tf.train.AdamOptimizer().minimize(cost)
    tf.reduce_mean(tf.to_float(tf.equal(tf.argmax(out, 1), tf.argmax(y, 1))))
    return [[out]]


def towers(tf):
    images = tf.placeholder(tf.float32, [None, 20], name="images")
    labels = tf.placeholder(tf.int64, [None], name="labels")
    step = tf.Variable(0, trainable=False, name="global_step")
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    all_gradients, heads, losses = [], [], []
    for i, (part, wanted) in enumerate(zip(tf.split(images, 2), tf.split(labels, 2), strict=True)):
        with tf.variable_scope("net", reuse=i > 0), tf.name_scope(f"tower_{i}"):
            logits = tf.layers.dense(tf.layers.dense(part, 16, tf.nn.relu, name="a"), 4, name="b")
            probs = tf.nn.softmax(logits)
            entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=wanted, logits=logits)
            losses.append(tf.reduce_mean(entropy))
            all_gradients.append(optimizer.compute_gradients(losses[-1]))
            heads += [probs, logits]
    means = [
        (tf.add_n([g for g, _ in pairs]) / 2, pairs[0][1])
        for pairs in zip(*all_gradients, strict=True)
    ]
    optimizer.apply_gradients(means, global_step=step)
    tf.reduce_mean(tf.stack(losses))
    return [heads]


def age_and_gender(tf):
    images = tf.placeholder(tf.float32, [None, 32, 32, 3], name="input_image")
    age, gender = (tf.placeholder(tf.int64, [None], name=n) for n in ("age_label", "gender_label"))
    train_mode = tf.placeholder(tf.bool, name="train_mode")
    value = tf.layers.conv2d(images, 8, 3, strides=2, name="conv1")
    value = tf.nn.relu(tf.layers.batch_normalization(value, training=train_mode))
    value = tf.layers.flatten(value)
    age_logits = tf.layers.dense(value, 101, name="logits_age")
    gender_logits = tf.layers.dense(value, 2, name="logits_gender")
    age_loss = tf.losses.sparse_softmax_cross_entropy(age, age_logits)
    gender_loss = tf.losses.sparse_softmax_cross_entropy(gender, gender_logits)
    weights = tf.cast(tf.range(101), tf.float32)
    age_mean = tf.reduce_sum(tf.nn.softmax(age_logits) * weights, axis=1, name="prob_age")
    tf.reduce_mean(tf.abs(age_mean - tf.cast(age, tf.float32)), name="mae")
    best = tf.argmax(tf.nn.softmax(gender_logits), 1, name="prob_gender")
    tf.reduce_mean(tf.to_float(tf.equal(best, gender)))
    total = tf.add_n([age_loss, gender_loss, tf.losses.get_regularization_loss()])
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        tf.train.AdamOptimizer(0.001).minimize(total)
    return [
        [best, best.op.inputs[0], gender_logits, gender_logits.op.inputs[0]],
        [age_mean, age_logits, age_mean.op.inputs[0].op.inputs[0]],
    ]


def keras_functional(tf):
    from tensorflow.compat.v1 import keras

    value = image = keras.layers.Input((16, 16, 1), name="image")
    value = keras.layers.Conv2D(4, 3, activation="relu")(value)
    value = keras.layers.BatchNormalization()(value)
    value = keras.layers.Dropout(0.5)(keras.layers.Flatten()(value))
    model = keras.Model(image, keras.layers.Dense(10, activation="softmax", name="scores")(value))
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    model._make_train_function()
    return [[model.output, model.output.op.inputs[0]]]


def recommender(tf):
    user, item = (tf.placeholder(tf.int32, [None], name=f"id_{n}") for n in ("user", "item"))
    rate = tf.placeholder(tf.float32, [None])
    bias_global = tf.get_variable("bias_global", shape=[])
    with tf.device("/cpu:0"):
        tables = {n: tf.get_variable(f"embd_{n}", [90, 15]) for n in ("user", "item")}
        rows = [tf.nn.embedding_lookup(tables["user"], user, name="embedding_user")]
        rows.append(tf.nn.embedding_lookup(tables["item"], item, name="embedding_item"))
        offset = tf.nn.embedding_lookup(tf.get_variable("embd_bias_user", [90]), user)
    infer = tf.reduce_sum(tf.multiply(*rows), 1)
    infer = tf.add(tf.add(infer, bias_global), offset, name="svd_inference")
    punish = tf.add(tf.nn.l2_loss(rows[0]), tf.nn.l2_loss(rows[1]), name="svd_regularizer")
    cost = tf.add(tf.nn.l2_loss(tf.subtract(infer, rate)), tf.multiply(punish, 0.05))
    tf.train.FtrlOptimizer(0.1).minimize(cost)
    return [[infer]]
