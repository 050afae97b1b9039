"""Text and time: recurrent, convolutional and attending networks (see `programs.py`)."""


def lstm_classifier(tf):
    X = tf.placeholder("float", [None, 28, 28])
    Y = tf.placeholder("float", [None, 10])
    weights = {"out": tf.Variable(tf.random_normal([32, 10]))}
    biases = {"out": tf.Variable(tf.random_normal([10]))}
    cell = tf.nn.rnn_cell.BasicLSTMCell(32, forget_bias=1.0)
    outputs, _ = tf.nn.static_rnn(cell, tf.unstack(X, 28, 1), dtype=tf.float32)
    logits = tf.matmul(outputs[-1], weights["out"]) + biases["out"]
    prediction = tf.nn.softmax(logits)
    cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=Y))
    tf.train.GradientDescentOptimizer(0.001).minimize(cost)
    correct = tf.equal(tf.argmax(prediction, 1), tf.argmax(Y, 1))
    tf.reduce_mean(tf.cast(correct, tf.float32))
    return [[prediction, logits]]


def sentiment_lstm(tf):
    labels = tf.placeholder(tf.float32, [24, 2])
    inputs = tf.placeholder(tf.int32, [24, 50])
    data = tf.nn.embedding_lookup(tf.Variable(tf.zeros([90, 30]), trainable=False), inputs)
    cell = tf.nn.rnn_cell.DropoutWrapper(tf.nn.rnn_cell.LSTMCell(16), output_keep_prob=0.75)
    value, _ = tf.nn.dynamic_rnn(cell, data, dtype=tf.float32)
    weight = tf.Variable(tf.truncated_normal([16, 2]))
    bias = tf.Variable(tf.constant(0.1, shape=[2]))
    value = tf.transpose(value, [1, 0, 2])
    last = tf.gather(value, int(value.get_shape()[0]) - 1)
    prediction = tf.matmul(last, weight) + bias
    correct = tf.equal(tf.argmax(prediction, 1), tf.argmax(labels, 1))
    tf.reduce_mean(tf.cast(correct, tf.float32))
    entropy = tf.nn.softmax_cross_entropy_with_logits(logits=prediction, labels=labels)
    loss = tf.reduce_mean(entropy)
    tf.train.AdamOptimizer().minimize(loss)
    tf.summary.scalar("Loss", loss)
    return [[prediction, correct.op.inputs[0]]]


def text_cnn(tf):
    input_x = tf.placeholder(tf.int32, [None, 20], name="input_x")
    input_y = tf.placeholder(tf.float32, [None, 2], name="input_y")
    keep = tf.placeholder(tf.float32, name="dropout_keep_prob")
    l2_loss = tf.constant(0.0)
    with tf.device("/cpu:0"), tf.name_scope("embedding"):
        W = tf.Variable(tf.random_uniform([99, 16], -1.0, 1.0), name="W")
        chars = tf.expand_dims(tf.nn.embedding_lookup(W, input_x), -1)
    pooled = []
    for size in (3, 4):
        with tf.name_scope(f"conv-maxpool-{size}"):
            W = tf.Variable(tf.truncated_normal([size, 16, 1, 8], stddev=0.1), name="W")
            b = tf.Variable(tf.constant(0.1, shape=[8]), name="b")
            conv = tf.nn.conv2d(chars, W, [1, 1, 1, 1], "VALID", name="conv")
            h = tf.nn.relu(tf.nn.bias_add(conv, b), name="relu")
            pooled.append(tf.nn.max_pool(h, [1, 21 - size, 1, 1], [1] * 4, "VALID", name="pool"))
    flat = tf.reshape(tf.concat(pooled, 3), [-1, 16])
    with tf.name_scope("dropout"):
        dropped = tf.nn.dropout(flat, keep)
    with tf.name_scope("output"):
        W = tf.get_variable("W", [16, 2])
        b = tf.Variable(tf.constant(0.1, shape=[2]), name="b")
        l2_loss += tf.nn.l2_loss(W) + tf.nn.l2_loss(b)
        scores = tf.nn.xw_plus_b(dropped, W, b, name="scores")
        predictions = tf.argmax(scores, 1, name="predictions")
    with tf.name_scope("loss"):
        losses = tf.nn.softmax_cross_entropy_with_logits(logits=scores, labels=input_y)
        loss = tf.reduce_mean(losses) + 0.1 * l2_loss
    with tf.name_scope("accuracy"):
        correct = tf.equal(predictions, tf.argmax(input_y, 1))
        tf.reduce_mean(tf.cast(correct, "float"), name="accuracy")
    step = tf.Variable(0, name="global_step", trainable=False)
    optimizer = tf.train.AdamOptimizer(1e-3)
    pairs = optimizer.compute_gradients(loss)
    for gradient, variable in pairs:
        tf.summary.histogram(f"{variable.op.name}/grad/hist", gradient)
        tf.summary.scalar(f"{variable.op.name}/grad/sparsity", tf.nn.zero_fraction(gradient))
    optimizer.apply_gradients(pairs, global_step=step)
    return [[predictions, scores]]


def char_rnn(tf):
    batch, length, size, vocabulary = 5, 6, 12, 40
    cells = [tf.nn.rnn_cell.BasicLSTMCell(size) for _ in range(2)]
    cell = tf.nn.rnn_cell.MultiRNNCell(cells)
    input_data = tf.placeholder(tf.int32, [batch, length])
    targets = tf.placeholder(tf.int32, [batch, length])
    initial = state = cell.zero_state(batch, tf.float32)
    with tf.variable_scope("rnnlm"):
        softmax_w = tf.get_variable("softmax_w", [size, vocabulary])
        softmax_b = tf.get_variable("softmax_b", [vocabulary])
    embedding = tf.get_variable("embedding", [vocabulary, size])
    inputs = tf.split(tf.nn.embedding_lookup(embedding, input_data), length, 1)
    outputs = []
    with tf.variable_scope("rnnlm"):
        for i, part in enumerate(inputs):
            if i > 0:
                tf.get_variable_scope().reuse_variables()
            out, state = cell(tf.squeeze(part, [1]), state)
            outputs.append(out)
    output = tf.reshape(tf.concat(outputs, 1), [-1, size])
    logits = tf.matmul(output, softmax_w) + softmax_b
    probs = tf.nn.softmax(logits)
    with tf.name_scope("sequence_loss_by_example"):
        entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=tf.reshape(targets, [-1]), logits=logits
        )
        loss = entropy * tf.ones([batch * length])
    with tf.name_scope("cost"):
        cost = tf.reduce_sum(loss) / batch / length
    lr = tf.Variable(0.0, trainable=False)
    variables = tf.trainable_variables()
    clipped, _ = tf.clip_by_global_norm(tf.gradients(cost, variables), 5.0)
    with tf.name_scope("optimizer"):
        optimizer = tf.train.AdamOptimizer(lr)
    optimizer.apply_gradients(zip(clipped, variables, strict=True))
    tf.summary.histogram("logits", logits)
    assert initial is not None
    return [[probs, logits]]


def language_model_three_times(tf):
    heads = []
    for name, batch in (("Train", 6), ("Valid", 6), ("Test", 1)):
        with tf.name_scope(name), tf.variable_scope("Model", reuse=name != "Train"):
            data = tf.placeholder(tf.int32, [batch, 5], name="input")
            target = tf.placeholder(tf.int32, [batch, 5], name="target")
            rows = tf.nn.embedding_lookup(tf.get_variable("embedding", [50, 10]), data)
            cell = tf.nn.rnn_cell.BasicLSTMCell(10)
            value, _ = tf.nn.dynamic_rnn(cell, rows, dtype=tf.float32, scope="RNN")
            flat = tf.reshape(value, [-1, 10])
            logits = tf.matmul(flat, tf.get_variable("softmax_w", [10, 50]))
            logits += tf.get_variable("softmax_b", [50])
            heads += [tf.nn.softmax(logits, name="proba"), logits]
            entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels=tf.reshape(target, [-1]), logits=logits
            )
            cost = tf.reduce_sum(entropy) / batch
            if name == "Train":
                tf.train.GradientDescentOptimizer(0.1).minimize(cost)
    return [heads]


def translator(tf):
    """Teacher forcing and greedy decoding share their variables, as in chatbots."""
    input_data = tf.placeholder(tf.int32, [None, None], name="input")
    targets = tf.placeholder(tf.int32, [None, None], name="targets")
    keep_prob = tf.placeholder(tf.float32, name="keep_prob")
    length = tf.placeholder(tf.int32, [None], name="source_sequence_length")
    source = tf.nn.embedding_lookup(tf.Variable(tf.random_uniform([30, 8])), input_data)
    with tf.variable_scope("encoder"):
        cell = tf.nn.rnn_cell.DropoutWrapper(tf.nn.rnn_cell.GRUCell(12), keep_prob)
        _, state = tf.nn.dynamic_rnn(cell, source, length, dtype=tf.float32)
    embeddings = tf.Variable(tf.random_uniform([30, 8]))
    batch = tf.shape(targets)[0]
    ending = tf.strided_slice(targets, [0, 0], [batch, -1], [1, 1])
    decoder_input = tf.concat([tf.fill([batch, 1], 1), ending], 1)
    out_w, out_b = tf.get_variable("out_w", [12, 30]), tf.get_variable("out_b", [30])
    cell = tf.nn.rnn_cell.GRUCell(12)
    with tf.variable_scope("decode"):
        rows = tf.nn.embedding_lookup(embeddings, decoder_input)
        value, _ = tf.nn.dynamic_rnn(cell, rows, initial_state=state, scope="rnn")
        flat = tf.tensordot(value, out_w, [[2], [0]]) + out_b
    with tf.variable_scope("decode", reuse=True):

        def body(time, token, hidden, written):
            with tf.variable_scope("rnn", reuse=True):
                out, hidden = cell(tf.nn.embedding_lookup(embeddings, token), hidden)
            token = tf.cast(tf.argmax(tf.matmul(out, out_w) + out_b, 1), tf.int32)
            return time + 1, token, hidden, written.write(time, token)

        start = tf.fill([tf.shape(input_data)[0]], 1)
        written = tf.TensorArray(tf.int32, 10)
        loop = (tf.constant(0), start, state, written)
        *_, written = tf.while_loop(lambda time, *_: time < 10, body, loop)
        sample = tf.transpose(written.stack(), [1, 0])
    logits = tf.identity(flat, name="logits")
    predictions = tf.identity(sample, name="predictions")
    masks = tf.sequence_mask(tf.fill([batch], 9), tf.shape(targets)[1], tf.float32, name="masks")
    with tf.name_scope("optimization"):
        entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=logits)
        cost = tf.reduce_sum(entropy * masks) / tf.reduce_sum(masks)
        optimizer = tf.train.AdamOptimizer(0.001)
        pairs = optimizer.compute_gradients(cost)
        pairs = [(tf.clip_by_value(g, -5.0, 5.0), v) for g, v in pairs if g is not None]
        optimizer.apply_gradients(pairs)
    return [[predictions, sample], [logits, flat]]


def word2vec(tf):
    train_inputs = tf.placeholder(tf.int32, shape=[16])
    train_labels = tf.placeholder(tf.int32, shape=[16, 1])
    valid_dataset = tf.constant([1, 2, 3], dtype=tf.int32)
    embeddings = tf.Variable(tf.random_uniform([200, 24], -1.0, 1.0))
    embed = tf.nn.embedding_lookup(embeddings, train_inputs)
    nce_weights = tf.Variable(tf.truncated_normal([200, 24], stddev=0.2))
    nce_biases = tf.Variable(tf.zeros([200]))
    loss = tf.reduce_mean(
        tf.nn.nce_loss(nce_weights, nce_biases, train_labels, embed, num_sampled=8, num_classes=200)
    )
    tf.train.GradientDescentOptimizer(1.0).minimize(loss)
    norm = tf.sqrt(tf.reduce_sum(tf.square(embeddings), 1, keep_dims=True))
    normalized = embeddings / norm
    valid = tf.nn.embedding_lookup(normalized, valid_dataset)
    similarity = tf.matmul(valid, normalized, transpose_b=True)
    return [[normalized], [similarity]]


def tagger_crf(tf):
    word_ids = tf.placeholder(tf.int32, [None, None], name="word_ids")
    lengths = tf.placeholder(tf.int32, [None], name="sequence_lengths")
    labels = tf.placeholder(tf.int32, [None, None], name="labels")
    dropout = tf.placeholder(tf.float32, [], name="dropout")
    with tf.variable_scope("words"):
        table = tf.get_variable("_word_embeddings", [80, 12])
        rows = tf.nn.dropout(tf.nn.embedding_lookup(table, word_ids, name="rows"), dropout)
    with tf.variable_scope("bi-lstm"):
        forward, backward = (tf.nn.rnn_cell.LSTMCell(8) for _ in range(2))
        both, _ = tf.nn.bidirectional_dynamic_rnn(
            forward, backward, rows, lengths, dtype=tf.float32
        )
        value = tf.nn.dropout(tf.concat(both, axis=-1), dropout)
    with tf.variable_scope("proj"):
        W, b = tf.get_variable("W", [16, 5]), tf.get_variable("b", [5])
        steps = tf.shape(value)[1]
        pred = tf.matmul(tf.reshape(value, [-1, 16]), W) + b
        logits = tf.reshape(pred, [-1, steps, 5])
    transitions = tf.get_variable("transitions", [5, 5])
    mask = tf.sequence_mask(lengths)
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=labels)
    pairs = tf.gather_nd(transitions, tf.stack([labels[:, :-1], labels[:, 1:]], 2))
    loss = tf.reduce_mean(tf.boolean_mask(entropy, mask)) - tf.reduce_mean(pairs)
    tf.summary.scalar("loss", loss)
    with tf.variable_scope("train_step"):
        tf.train.AdamOptimizer(0.001).minimize(loss)
    return [[logits, pred]]


def stock_series(tf):
    X = tf.placeholder(tf.float32, [None, 20, 1])
    y = tf.placeholder(tf.float32, [None, 20, 1])
    cell = tf.nn.rnn_cell.BasicRNNCell(num_units=30, activation=tf.nn.relu)
    rnn_outputs, _ = tf.nn.dynamic_rnn(cell, X, dtype=tf.float32)
    stacked = tf.reshape(rnn_outputs, [-1, 30])
    stacked_outputs = tf.layers.dense(stacked, 1)
    outputs = tf.reshape(stacked_outputs, [-1, 20, 1])
    loss = tf.reduce_mean(tf.square(outputs - y))
    tf.train.AdamOptimizer(learning_rate=0.001).minimize(loss)
    tf.global_variables_initializer()
    return [[outputs, stacked_outputs]]


def captioner(tf):
    features = tf.placeholder(tf.float32, [None, 16, 32])
    captions = tf.placeholder(tf.int32, [None, 9])
    inputs, wanted = captions[:, :8], captions[:, 1:]
    mask = tf.to_float(tf.not_equal(wanted, 0))
    with tf.variable_scope("word_embedding"):
        rows = tf.nn.embedding_lookup(tf.get_variable("w", [60, 20]), inputs, name="word_vector")
    with tf.variable_scope("initial_lstm"):
        mean = tf.reduce_mean(features, 1)
        h = tf.nn.tanh(tf.matmul(mean, tf.get_variable("w_h", [32, 24])))
        c = tf.nn.tanh(tf.matmul(mean, tf.get_variable("w_c", [32, 24])))
    cell = tf.nn.rnn_cell.BasicLSTMCell(24)
    loss = 0.0
    for t in range(8):
        with tf.variable_scope("lstm", reuse=t > 0):
            _, (c, h) = cell(tf.concat([rows[:, t, :], mean], 1), (c, h))
        with tf.variable_scope("logits", reuse=t > 0):
            w_out, b_out = tf.get_variable("w_out", [24, 60]), tf.get_variable("b_out", [60])
            logits = tf.matmul(h, w_out) + b_out
        entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=wanted[:, t], logits=logits)
        loss += tf.reduce_sum(entropy * mask[:, t])
    sampled, token = [], tf.fill([tf.shape(features)[0]], 1)
    c = h = tf.nn.tanh(tf.matmul(mean, w_h := tf.get_variable("sample_h", [32, 24])))
    assert w_h is not None
    for _ in range(6):
        with tf.variable_scope("word_embedding", reuse=True):
            row = tf.nn.embedding_lookup(tf.get_variable("w", [60, 20]), token)
        with tf.variable_scope("lstm", reuse=True):
            _, (c, h) = cell(tf.concat([row, mean], 1), (c, h))
        token = tf.argmax(tf.matmul(h, w_out) + b_out, 1, output_type=tf.int32)
        sampled.append(token)
    sampled_captions = tf.transpose(tf.stack(sampled), (1, 0), name="sampled_captions")
    with tf.variable_scope("optimizer"):
        tf.train.AdamOptimizer(0.001).minimize(loss / tf.to_float(tf.shape(features)[0]))
    return [[sampled_captions, sampled_captions.op.inputs[0]]]


def speech_ctc(tf):
    inputs = tf.placeholder(tf.float32, [None, None, 13], name="inputs")
    targets = tf.sparse_placeholder(tf.int32, name="targets")
    seq_len = tf.placeholder(tf.int32, [None], name="seq_len")
    stack = tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.LSTMCell(20)])
    outputs, _ = tf.nn.dynamic_rnn(stack, inputs, seq_len, dtype=tf.float32)
    shape = tf.shape(inputs)
    W = tf.Variable(tf.truncated_normal([20, 28], stddev=0.1))
    logits = tf.matmul(tf.reshape(outputs, [-1, 20]), W) + tf.Variable(tf.constant(0.0, shape=[28]))
    logits = tf.transpose(tf.reshape(logits, [shape[0], -1, 28]), (1, 0, 2))
    cost = tf.reduce_mean(tf.nn.ctc_loss(targets, logits, seq_len))
    tf.train.MomentumOptimizer(0.01, 0.9).minimize(cost)
    decoded, _ = tf.nn.ctc_greedy_decoder(logits, seq_len)
    tf.reduce_mean(tf.edit_distance(tf.cast(decoded[0], tf.int32), targets))
    return [[decoded[0].values, logits, logits.op.inputs[0]]]


def fine_tuned_encoder(tf):
    """A BERT-like classifier, whose head lies in a scope called "loss"."""
    ids = tf.placeholder(tf.int32, [None, 16], name="input_ids")
    mask = tf.placeholder(tf.int32, [None, 16], name="input_mask")
    label_ids = tf.placeholder(tf.int32, [None], name="label_ids")

    def normed(value, name):
        with tf.variable_scope(name):
            mean, variance = tf.nn.moments(value, [-1], keep_dims=True)
            gamma, beta = tf.get_variable("gamma", [24]), tf.get_variable("beta", [24])
            return tf.nn.batch_normalization(value, mean, variance, beta, gamma, 1e-12)

    with tf.variable_scope("bert"):
        with tf.variable_scope("embeddings"):
            table = tf.get_variable("word_embeddings", [70, 24])
            value = normed(tf.nn.embedding_lookup(table, ids), "LayerNorm")
        blocked = (1.0 - tf.cast(mask[:, tf.newaxis, :], tf.float32)) * -10000.0
        with tf.variable_scope("encoder/layer_0"):
            query, key, content = (tf.layers.dense(value, 24, name=n) for n in "qkv")
            scores = tf.nn.softmax(tf.matmul(query, key, transpose_b=True) / 5.0 + blocked)
            mixed = tf.nn.dropout(tf.matmul(scores, content), 0.9)
            value = normed(value + tf.layers.dense(mixed, 24, name="output"), "LayerNorm")
        with tf.variable_scope("pooler"):
            first = tf.squeeze(value[:, 0:1, :], axis=1)
            pooled = tf.layers.dense(first, 24, activation=tf.tanh, name="dense")
    weights = tf.get_variable("output_weights", [3, 24])
    bias = tf.get_variable("output_bias", [3], initializer=tf.zeros_initializer())
    with tf.variable_scope("loss"):
        pooled = tf.nn.dropout(pooled, keep_prob=0.9)
        logits = tf.nn.bias_add(tf.matmul(pooled, weights, transpose_b=True), bias)
        probabilities = tf.nn.softmax(logits, axis=-1)
        log_probs = tf.nn.log_softmax(logits, axis=-1)
        per_example = -tf.reduce_sum(tf.one_hot(label_ids, 3) * log_probs, axis=-1)
        loss = tf.reduce_mean(per_example)
    variables = tf.trainable_variables()
    gradients, _ = tf.clip_by_global_norm(tf.gradients(loss, variables), 1.0)
    step = tf.train.get_or_create_global_step()
    optimizer = tf.train.AdamOptimizer(2e-5)
    optimizer.apply_gradients(zip(gradients, variables, strict=True), global_step=step)
    return [[probabilities, logits, log_probs]]
