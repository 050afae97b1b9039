"""Attention, chains of tags, one-dimensional filters (see `programs.py`)."""


def _pointer(tf, state, match, mask, scope):
    with tf.variable_scope(scope):
        s = tf.tile(tf.expand_dims(state, 1), [1, int(mask.shape[1]), 1])
        h = tf.nn.tanh(tf.layers.dense(tf.concat([s, match], 2), 8))
        s = tf.squeeze(tf.layers.dense(h, 1, use_bias=False), [2])
        s1 = s - 1e30 * (1 - tf.cast(mask, tf.float32))
        a = tf.expand_dims(tf.nn.softmax(s1), axis=2)
        return tf.reduce_sum(a * match, axis=1), s1


def bidaf(tf):
    N, PL, QL, d = 4, 12, 6, 8
    c = tf.placeholder(tf.int32, [N, PL], "context")
    q = tf.placeholder(tf.int32, [N, QL], "question")
    y1 = tf.placeholder(tf.int32, [N, PL], "answer_index1")
    y2 = tf.placeholder(tf.int32, [N, PL], "answer_index2")
    global_step = tf.get_variable(
        "global_step",
        shape=[],
        dtype=tf.int32,
        initializer=tf.constant_initializer(0),
        trainable=False,
    )
    tf.get_variable("is_train", shape=[], dtype=tf.bool, trainable=False)
    word_mat = tf.get_variable("word_mat", [50, 10], trainable=False)
    c_mask, q_mask = tf.cast(c, tf.bool), tf.cast(q, tf.bool)
    c_len = tf.reduce_sum(tf.cast(c_mask, tf.int32), axis=1)
    q_len = tf.reduce_sum(tf.cast(q_mask, tf.int32), axis=1)
    with tf.variable_scope("emb"), tf.name_scope("word"):
        c_emb = tf.nn.embedding_lookup(word_mat, c)
        q_emb = tf.nn.embedding_lookup(word_mat, q)
    with tf.variable_scope("encoding"):
        cell = tf.nn.rnn_cell.GRUCell(d)
        c_out, _ = tf.nn.dynamic_rnn(cell, c_emb, c_len, dtype=tf.float32)
        q_out, _ = tf.nn.dynamic_rnn(cell, q_emb, q_len, dtype=tf.float32)
    with tf.variable_scope("attention"):
        scores = tf.matmul(c_out, q_out, transpose_b=True) - 1e30 * tf.expand_dims(
            1 - tf.cast(q_mask, tf.float32), 1
        )
        att = tf.matmul(tf.nn.softmax(scores), q_out)
        v = tf.concat([c_out, att], 2)
        gate = tf.nn.sigmoid(tf.layers.dense(v, 2 * d, use_bias=False))
        match, _ = tf.nn.dynamic_rnn(
            tf.nn.rnn_cell.GRUCell(d), v * gate, c_len, dtype=tf.float32, scope="match"
        )
    with tf.variable_scope("pointer"):
        init = tf.reduce_mean(q_out, 1)
        inp, logits1 = _pointer(tf, init, match, c_mask, "p1")
        state = tf.nn.rnn_cell.GRUCell(d)(inp, init)[1]
        _, logits2 = _pointer(tf, state, match, c_mask, "p2")
    with tf.variable_scope("predict"):
        outer = tf.matmul(
            tf.expand_dims(tf.nn.softmax(logits1), axis=2),
            tf.expand_dims(tf.nn.softmax(logits2), axis=1),
        )
        outer = tf.matrix_band_part(outer, 0, 15)
        yp1 = tf.argmax(tf.reduce_max(outer, axis=2), axis=1)
        yp2 = tf.argmax(tf.reduce_max(outer, axis=1), axis=1)
        losses = tf.nn.softmax_cross_entropy_with_logits(logits=logits1, labels=y1)
        losses2 = tf.nn.softmax_cross_entropy_with_logits(logits=logits2, labels=y2)
        loss = tf.reduce_mean(losses + losses2)
    lr = tf.get_variable("lr", shape=[], dtype=tf.float32, trainable=False)
    opt = tf.train.AdadeltaOptimizer(learning_rate=lr, epsilon=1e-6)
    grads = opt.compute_gradients(loss)
    capped, _ = tf.clip_by_global_norm([g for g, _ in grads if g is not None], 5.0)
    kept = [v for g, v in grads if g is not None]
    opt.apply_gradients(zip(capped, kept, strict=True), global_step=global_step)
    return [[yp1, logits1], [yp2, logits2]]


def bert_ner(tf):
    input_ids = tf.placeholder(tf.int32, [None, 16], name="input_ids")
    input_mask = tf.placeholder(tf.int32, [None, 16], name="input_mask")
    segment_ids = tf.placeholder(tf.int32, [None, 16], name="segment_ids")
    labels = tf.placeholder(tf.int32, [None, 16], name="label_ids")
    dropout = tf.placeholder(tf.float32, name="dropout")
    with tf.variable_scope("bert"):
        with tf.variable_scope("embeddings"):
            table = tf.get_variable("word_embeddings", [60, 16])
            types = tf.get_variable("token_type_embeddings", [2, 16])
            v = tf.gather(table, input_ids) + tf.gather(types, segment_ids)
        mask = (1.0 - tf.cast(tf.expand_dims(input_mask, 1), tf.float32)) * -10000.0
        with tf.variable_scope("encoder"):
            for i in range(2):
                with tf.variable_scope(f"layer_{i}"):
                    q, k, w = (tf.layers.dense(v, 16, name=n) for n in ("query", "key", "value"))
                    p = tf.nn.softmax(tf.matmul(q, k, transpose_b=True) / 4.0 + mask)
                    v = v + tf.layers.dense(tf.matmul(p, w), 16, name="output")
        with tf.variable_scope("pooler"):
            pooled = tf.layers.dense(v[:, 0], 16, activation=tf.tanh, name="dense")
    assert pooled is not None
    used = tf.sign(tf.abs(input_ids))
    lengths = tf.reduce_sum(used, reduction_indices=1)
    v = tf.nn.dropout(v, dropout)
    with tf.variable_scope("project"):
        with tf.variable_scope("logits"):
            W = tf.get_variable("W", shape=[16, 5])
            b = tf.get_variable("b", shape=[5], initializer=tf.zeros_initializer())
            flat = tf.reshape(v, shape=[-1, 16])
            pred = tf.nn.xw_plus_b(flat, W, b)
        logits = tf.reshape(pred, [-1, 16, 5])
    with tf.variable_scope("crf_loss"):
        trans = tf.get_variable("transitions", shape=[5, 5])
        picked = tf.reduce_sum(tf.one_hot(labels, 5) * logits, 2)
        weights = tf.sequence_mask(lengths, 16, tf.float32)
        pairs = tf.gather(tf.reshape(trans, [-1]), labels[:, :-1] * 5 + labels[:, 1:])
        score = tf.reduce_sum(picked * weights, 1) + tf.reduce_sum(pairs * weights[:, 1:], 1)

        def forward(state, inputs):
            return tf.reduce_logsumexp(tf.expand_dims(state, 2) + trans, 1) + inputs

        last = tf.scan(forward, tf.transpose(logits, [1, 0, 2])[1:], logits[:, 0])
        norm = tf.reduce_logsumexp(last[-1], 1)
        loss = tf.reduce_mean(norm - score)
    step = tf.Variable(0, trainable=False, name="global_step")
    with tf.variable_scope("optimizer"):
        opt = tf.train.AdamOptimizer(1e-3)
        grads = [
            [tf.clip_by_value(g, -5, 5), v] for g, v in opt.compute_gradients(loss) if g is not None
        ]
        opt.apply_gradients(grads, step)
    return [[logits, pred]]


def wavenet(tf):
    with tf.name_scope("create_inputs"):
        sample = tf.placeholder(dtype=tf.float32, shape=None)
        queue = tf.PaddingFIFOQueue(8, ["float32"], shapes=[(None, 1)])
        queue.enqueue([sample])
        batch = queue.dequeue_many(2)
    v = {}
    with tf.variable_scope("wavenet"):
        with tf.variable_scope("causal_layer"):
            v["causal"] = tf.Variable(tf.random_normal([2, 16, 4]), name="filter")
        for i in range(2):
            with tf.variable_scope(f"dilated_stack/layer{i}"):
                v[i] = {
                    n: tf.Variable(tf.random_normal(s), name=n)
                    for n, s in [
                        ("filter", [2, 4, 4]),
                        ("gate", [2, 4, 4]),
                        ("dense", [1, 4, 4]),
                        ("skip", [1, 4, 8]),
                    ]
                }
        with tf.variable_scope("postprocessing"):
            p1 = tf.Variable(tf.random_normal([1, 8, 8]), name="postprocess1")
            p2 = tf.Variable(tf.random_normal([1, 8, 16]), name="postprocess2")
    with tf.name_scope("wavenet"):
        with tf.name_scope("encode"):
            mag = tf.sign(batch) * tf.log1p(15.0 * tf.abs(batch)) / tf.log1p(15.0)
            encoded = tf.to_int32((mag + 1) / 2 * 15 + 0.5)
        with tf.name_scope("one_hot_encode"):
            encoded = tf.reshape(tf.one_hot(encoded, depth=16, dtype=tf.float32), [2, -1, 16])
        net = tf.slice(encoded, [0, 0, 0], [-1, tf.shape(encoded)[1] - 1, -1])
        with tf.name_scope("causal_layer"):
            net = tf.nn.conv1d(net, v["causal"], stride=1, padding="VALID")
        skips = []
        with tf.name_scope("dilated_stack"):
            for i in range(2):
                with tf.name_scope(f"layer{i}"):
                    f = tf.nn.conv1d(net, v[i]["filter"], stride=1, padding="VALID")
                    g = tf.nn.conv1d(net, v[i]["gate"], stride=1, padding="VALID")
                    out = tf.tanh(f) * tf.sigmoid(g)
                    t = tf.nn.conv1d(out, v[i]["dense"], 1, "SAME", name="dense")
                    cut = tf.shape(out)[1] - 5
                    skip = tf.slice(out, [0, cut, 0], [-1, -1, -1])
                    skips.append(tf.nn.conv1d(skip, v[i]["skip"], 1, "SAME", name="skip"))
                    net = tf.slice(net, [0, 1, 0], [-1, -1, -1]) + t
        with tf.name_scope("postprocessing"):
            total = tf.nn.relu(sum(skips))
            c = tf.nn.relu(tf.nn.conv1d(total, p1, 1, "SAME"))
            raw = tf.nn.conv1d(c, p2, 1, "SAME")
        with tf.name_scope("loss"):
            target = tf.reshape(tf.slice(encoded, [0, 5, 0], [-1, -1, -1]), [-1, 16])
            prediction = tf.reshape(raw, [-1, 16])
            loss = tf.nn.softmax_cross_entropy_with_logits(logits=prediction, labels=target)
            reduced = tf.reduce_mean(loss)
            tf.summary.scalar("loss", reduced)
    tf.train.AdamOptimizer(1e-3).minimize(reduced, var_list=tf.trainable_variables())
    tf.summary.merge_all()
    return [[raw, raw.op.inputs[0], prediction]]


def tagger_without_scope(tf):
    words = tf.placeholder(tf.int32, [None, None], name="word_ids")
    labels = tf.placeholder(tf.int32, [None, None], name="labels")
    lengths = tf.placeholder(tf.int32, [None], name="sequence_lengths")
    dropout = tf.placeholder(tf.float32, [], name="dropout")
    with tf.variable_scope("words"):
        e = tf.nn.embedding_lookup(
            tf.Variable(tf.random_normal([40, 8]), name="_word_embeddings"), words
        )
        e = tf.nn.dropout(e, dropout)
    with tf.variable_scope("bi-lstm"):
        both, _ = tf.nn.bidirectional_dynamic_rnn(
            tf.nn.rnn_cell.LSTMCell(8), tf.nn.rnn_cell.LSTMCell(8), e, lengths, dtype=tf.float32
        )
        v = tf.nn.dropout(tf.concat(both, -1), dropout)
    with tf.variable_scope("proj"):
        W = tf.get_variable("W", [16, 5])
        b = tf.get_variable("b", [5])
        pred = tf.matmul(tf.reshape(v, [-1, 16]), W) + b
        logits = tf.reshape(pred, [-1, tf.shape(v)[1], 5])
    trans = tf.get_variable("transitions", [5, 5])
    picked = tf.reduce_sum(tf.one_hot(labels, 5) * logits, 2)
    pairs = tf.gather(tf.reshape(trans, [-1]), labels[:, :-1] * 5 + labels[:, 1:])
    score = tf.reduce_sum(picked, 1) + tf.reduce_sum(pairs, 1)
    _, last = tf.nn.dynamic_rnn(
        type(
            "C",
            (tf.nn.rnn_cell.RNNCell,),
            {
                "state_size": 5,
                "output_size": 5,
                "call": lambda self, i, s: (
                    s,
                    tf.reduce_logsumexp(tf.expand_dims(s, 2) + trans, 1) + i,
                ),
            },
        )(),
        logits[:, 1:],
        lengths - 1,
        initial_state=logits[:, 0],
    )
    loss = tf.reduce_mean(tf.reduce_logsumexp(last, 1) - score)
    tf.summary.scalar("loss", loss)
    with tf.variable_scope("train_step"):
        tf.train.AdamOptimizer(1e-3).minimize(loss)
    return [[logits, pred]]


def interest_network(tf):
    u, i, j = (tf.placeholder(tf.int32, [None]) for _ in range(3))
    y = tf.placeholder(tf.float32, [None])
    hist = tf.placeholder(tf.int32, [None, None])
    sl = tf.placeholder(tf.int32, [None])
    lr = tf.placeholder(tf.float64, [])
    user_w = tf.get_variable("user_emb_w", [20, 8])
    item_w = tf.get_variable("item_emb_w", [30, 8])
    item_b = tf.get_variable("item_b", [30], initializer=tf.constant_initializer(0.0))
    assert user_w is not None
    assert u is not None
    h_emb = tf.nn.embedding_lookup(item_w, hist)

    def attention(q, reuse):
        q = tf.tile(tf.expand_dims(q, 1), [1, tf.shape(h_emb)[1], 1])
        v = tf.concat([q, h_emb, q - h_emb, q * h_emb], axis=-1)
        v = tf.layers.dense(v, 8, activation=tf.nn.sigmoid, name="f1_att", reuse=reuse)
        v = tf.transpose(tf.layers.dense(v, 1, name="f3_att", reuse=reuse), [0, 2, 1])
        mask = tf.expand_dims(tf.sequence_mask(sl, tf.shape(h_emb)[1]), 1)
        v = tf.where(mask, v, tf.ones_like(v) * (-(2**32) + 1))
        v = tf.nn.softmax(v / (8**0.5))
        v = tf.reshape(tf.matmul(v, h_emb), [-1, 8])
        v = tf.layers.batch_normalization(v, name="hist_bn", reuse=reuse)
        return tf.layers.dense(v, 8, name="hist_fcn", reuse=reuse)

    def forward(ids, reuse):
        emb, b = tf.nn.embedding_lookup(item_w, ids), tf.gather(item_b, ids)
        user = attention(emb, reuse)
        din = tf.concat([user, emb, user * emb], axis=-1)
        din = tf.layers.batch_normalization(din, name="b1", reuse=reuse)
        d = tf.layers.dense(din, 8, activation=tf.nn.sigmoid, name="f1", reuse=reuse)
        d = tf.reshape(tf.layers.dense(d, 1, activation=None, name="f3", reuse=reuse), [-1])
        return d, b

    d_i, i_b = forward(i, False)
    d_j, j_b = forward(j, True)
    x = i_b - j_b + d_i - d_j
    logits = i_b + d_i
    score_i, score_j = tf.sigmoid(i_b + d_i), tf.sigmoid(j_b + d_j)
    both = tf.concat([tf.expand_dims(score_i, -1), tf.expand_dims(score_j, -1)], axis=-1)
    mf_auc = tf.reduce_mean(tf.to_float(x > 0))
    step = tf.Variable(0, trainable=False, name="global_step")
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=y))
    params = tf.trainable_variables()
    opt = tf.train.GradientDescentOptimizer(learning_rate=lr)
    grads = tf.gradients(loss, params)
    kept = [(g, p) for g, p in zip(grads, params, strict=True) if g is not None]
    clip, _ = tf.clip_by_global_norm([g for g, _ in kept], 5)
    opt.apply_gradients(zip(clip, [p for _, p in kept], strict=True), global_step=step)
    assert mf_auc is not None
    return [[score_i, logits, both]]


def graph_attention(tf):
    ftr = tf.placeholder(tf.float32, (1, 20, 12))
    bias = tf.placeholder(tf.float32, (1, 20, 20))
    lbl = tf.placeholder(tf.int32, (1, 20, 3))
    msk = tf.placeholder(tf.int32, (1, 20))
    attn = tf.placeholder(tf.float32, ())
    ffd = tf.placeholder(tf.float32, ())
    tf.placeholder(tf.bool, ())

    def head(v, n, act):
        with tf.name_scope("my_attn"):
            v = tf.nn.dropout(v, 1.0 - ffd)
            f = tf.layers.conv1d(v, n, 1, use_bias=False)
            s = tf.layers.conv1d(f, 1, 1) + tf.transpose(tf.layers.conv1d(f, 1, 1), [0, 2, 1])
            c = tf.nn.dropout(tf.nn.softmax(tf.nn.leaky_relu(s) + bias), 1.0 - attn)
            r = tf.matmul(c, tf.nn.dropout(f, 1.0 - ffd))
            b = tf.Variable(tf.zeros([n]), name="BiasAdd/biases")
            return act(tf.nn.bias_add(r, b))

    h = tf.concat([head(ftr, 4, tf.nn.elu) for _ in range(2)], axis=-1)
    logits = tf.add_n([head(h, 3, lambda x: x) for _ in range(2)]) / 2
    log_resh, lab_resh = tf.reshape(logits, [-1, 3]), tf.reshape(lbl, [-1, 3])
    mask = tf.cast(tf.reshape(msk, [-1]), tf.float32)
    mask /= tf.reduce_mean(mask)
    loss = tf.nn.softmax_cross_entropy_with_logits(logits=log_resh, labels=lab_resh)
    loss = tf.reduce_mean(loss * mask)
    ok = tf.cast(tf.equal(tf.argmax(log_resh, 1), tf.argmax(lab_resh, 1)), tf.float32)
    tf.reduce_mean(ok * mask)
    l2 = (
        tf.add_n([tf.nn.l2_loss(v) for v in tf.trainable_variables() if "bias" not in v.name])
        * 5e-4
    )
    tf.train.AdamOptimizer(5e-3).minimize(loss + l2)
    return [[log_resh, logits]]


def text_keras_conv(tf):
    k = tf.keras
    model = k.Sequential(
        [
            k.layers.Embedding(50, 8, input_length=12),
            k.layers.Conv1D(8, 3, activation="relu"),
            k.layers.GlobalMaxPooling1D(),
            k.layers.Dense(8, activation="relu"),
            k.layers.Dropout(0.5),
            k.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    model._make_train_function()
    return [[model.output, model.output.op.inputs[0]]]
