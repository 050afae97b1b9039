"""Networks that make things, by a second author, the truth written first (see `programs.py`)."""


def _scope(tf, name):
    return tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope=name)


def _xent(tf, logits, one):
    labels = tf.ones_like(logits) if one else tf.zeros_like(logits)
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=labels))


def vanilla_gan(tf):
    """wiseodd's: plain variables, the generated sample is fetched by Z."""
    X = tf.placeholder(tf.float32, shape=[None, 784])
    D_W1, D_b1 = tf.Variable(tf.random_normal([784, 16])), tf.Variable(tf.zeros([16]))
    D_W2, D_b2 = tf.Variable(tf.random_normal([16, 1])), tf.Variable(tf.zeros([1]))
    Z = tf.placeholder(tf.float32, shape=[None, 10])
    G_W1, G_b1 = tf.Variable(tf.random_normal([10, 16])), tf.Variable(tf.zeros([16]))
    G_W2, G_b2 = tf.Variable(tf.random_normal([16, 784])), tf.Variable(tf.zeros([784]))

    def discriminator(x):
        h = tf.nn.relu(tf.matmul(x, D_W1) + D_b1)
        logit = tf.matmul(h, D_W2) + D_b2
        return tf.nn.sigmoid(logit), logit

    h1 = tf.nn.relu(tf.matmul(Z, G_W1) + G_b1)
    G_sample = tf.nn.sigmoid(tf.matmul(h1, G_W2) + G_b2)
    _, D_logit_real = discriminator(X)
    _, D_logit_fake = discriminator(G_sample)
    D_loss = _xent(tf, D_logit_real, True) + _xent(tf, D_logit_fake, False)
    G_loss = _xent(tf, D_logit_fake, True)
    tf.train.AdamOptimizer().minimize(D_loss, var_list=[D_W1, D_W2, D_b1, D_b2])
    tf.train.AdamOptimizer().minimize(G_loss, var_list=[G_W1, G_W2, G_b1, G_b2])
    return [[G_sample, G_sample.op.inputs[0]]]


def conditional_gan(tf):
    """Images of digits by their label: here the label is data."""
    x = tf.placeholder(tf.float32, (None, 28, 28, 1))
    y_label = tf.placeholder(tf.float32, (None, 1, 1, 10))
    y_fill = tf.placeholder(tf.float32, (None, 28, 28, 10))
    z = tf.placeholder(tf.float32, (None, 1, 1, 20))
    is_train = tf.placeholder(tf.bool)

    def bn(v):
        return tf.layers.batch_normalization(v, training=is_train)

    with tf.variable_scope("generator"):
        cat = tf.concat([z, y_label], 3)
        v = tf.nn.leaky_relu(bn(tf.layers.conv2d_transpose(cat, 16, 7, 1, "valid")))
        v = tf.nn.leaky_relu(bn(tf.layers.conv2d_transpose(v, 8, 5, 2, "same")))
        G_z = tf.nn.tanh(tf.layers.conv2d_transpose(v, 1, 5, 2, "same"))

    def discriminator(x, reuse):
        with tf.variable_scope("discriminator", reuse=reuse):
            v = tf.layers.conv2d(tf.concat([x, y_fill], 3), 8, 5, 2, "same")
            v = tf.nn.leaky_relu(bn(tf.layers.conv2d(tf.nn.leaky_relu(v), 16, 5, 2, "same")))
            o = tf.layers.conv2d(v, 1, 7, 1, "valid")
            return tf.nn.sigmoid(o), o

    _, real = discriminator(x, False)
    _, fake = discriminator(G_z, True)
    D_loss = _xent(tf, real, True) + _xent(tf, fake, False)
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        tf.train.AdamOptimizer(2e-4).minimize(D_loss, var_list=_scope(tf, "discriminator"))
        tf.train.AdamOptimizer(2e-4).minimize(
            _xent(tf, fake, True), var_list=_scope(tf, "generator")
        )
    return [[G_z, G_z.op.inputs[0]]]


def wasserstein_fixed_noise(tf):
    """igul222's: the noise is made in the graph; samples come from a fixed one."""

    def linear(name, x, n):
        with tf.variable_scope(name, reuse=tf.AUTO_REUSE):
            w = tf.get_variable(name + ".W", [int(x.shape[-1]), n])
            return tf.nn.bias_add(tf.matmul(x, w), tf.get_variable(name + ".b", [n]))

    def generator(n, noise=None):
        noise = tf.random_normal([n, 16]) if noise is None else noise
        h = tf.nn.relu(linear("Generator.Input", noise, 32))
        return tf.nn.sigmoid(linear("Generator.Output", h, 64))

    def discriminator(x):
        h = tf.maximum(0.2 * linear("Discriminator.1", x, 32), x[:, :32])
        return tf.reshape(linear("Discriminator.Output", h, 1), [-1])

    real = tf.placeholder(tf.float32, shape=[50, 64])
    fake = generator(50)
    disc_real, disc_fake = discriminator(real), discriminator(fake)
    gen_cost = -tf.reduce_mean(disc_fake)
    disc_cost = tf.reduce_mean(disc_fake) - tf.reduce_mean(disc_real)
    alpha = tf.random_uniform(shape=[50, 1], minval=0.0, maxval=1.0)
    interpolates = real + alpha * (fake - real)
    gradients = tf.gradients(discriminator(interpolates), [interpolates])[0]
    slopes = tf.sqrt(tf.reduce_sum(tf.square(gradients), reduction_indices=[1]))
    disc_cost += 10 * tf.reduce_mean((slopes - 1.0) ** 2)
    both = [
        [v for v in tf.trainable_variables() if n in v.name] for n in ("Generator", "Discriminator")
    ]
    tf.train.AdamOptimizer(1e-4, 0.5, 0.9).minimize(gen_cost, var_list=both[0])
    tf.train.AdamOptimizer(1e-4, 0.5, 0.9).minimize(disc_cost, var_list=both[1])
    fixed = tf.constant([[0.1 * i for i in range(16)]] * 8, tf.float32)
    samples = generator(8, noise=fixed)
    return [[samples, fake]]


def boundary_equilibrium(tf):
    """BEGAN: the discriminator is an autoencoder; the generator is what is wanted."""
    x = tf.placeholder(tf.float32, [None, 16, 16, 3], name="x")
    z = tf.placeholder(tf.float32, [None, 12], name="z")
    k_t = tf.Variable(0.0, trainable=False, name="k_t")

    def decode(z, name, reuse=False):
        with tf.variable_scope(name, reuse=reuse):
            v = tf.reshape(tf.layers.dense(z, 8 * 8 * 4), [-1, 8, 8, 4])
            v = tf.nn.elu(tf.layers.conv2d(v, 4, 3, padding="same"))
            v = tf.image.resize_nearest_neighbor(v, (16, 16))
            v = tf.nn.elu(tf.layers.conv2d(v, 4, 3, padding="same"))
            return tf.layers.conv2d(v, 3, 3, padding="same")

    def disc(x, reuse):
        with tf.variable_scope("D", reuse=reuse):
            v = tf.nn.elu(tf.layers.conv2d(x, 4, 3, 2, padding="same", name="enc"))
            code = tf.layers.dense(tf.layers.flatten(v), 12, name="code")
            return decode(code, "dec", reuse)

    G = decode(z, "G")
    d_real = tf.reduce_mean(tf.abs(disc(x, False) - x))
    d_fake = tf.reduce_mean(tf.abs(disc(G, True) - G))
    d_loss, g_loss = d_real - k_t * d_fake, d_fake
    tf.train.AdamOptimizer(8e-5).minimize(d_loss, var_list=_scope(tf, "D/"))
    tf.train.AdamOptimizer(8e-5).minimize(g_loss, var_list=_scope(tf, "G/"))
    balance = 0.5 * d_real - g_loss
    tf.summary.scalar("measure", d_real + tf.abs(balance))
    tf.assign(k_t, tf.clip_by_value(k_t + 0.001 * balance, 0, 1))
    return [[G]]


def spectral_discriminator(tf):
    """SN-GAN: weights divided by a norm that the graph keeps."""

    def spectral_norm(w):
        m = tf.reshape(w, [-1, int(w.shape[-1])])
        u = tf.get_variable("u", [1, int(m.shape[-1])], trainable=False)
        v_ = tf.nn.l2_normalize(tf.matmul(u, tf.transpose(m)))
        u_hat = tf.nn.l2_normalize(tf.matmul(v_, m))
        sigma = tf.matmul(tf.matmul(v_, m), tf.transpose(u_hat))
        with tf.control_dependencies([u.assign(u_hat)]):
            return tf.reshape(m / sigma, w.shape.as_list())

    def conv(x, n, name):
        with tf.variable_scope(name):
            w = tf.get_variable("kernel", [4, 4, int(x.shape[-1]), n])
            x = tf.nn.conv2d(x, spectral_norm(w), [1, 2, 2, 1], "SAME")
            return tf.nn.bias_add(x, tf.get_variable("bias", [n]))

    def discriminator(x, reuse=False):
        with tf.variable_scope("discriminator", reuse=reuse):
            v = tf.nn.leaky_relu(conv(x, 8, "conv_1"), 0.2)
            v = tf.nn.leaky_relu(conv(v, 16, "conv_2"), 0.2)
            with tf.variable_scope("D_logit"):
                w = tf.get_variable("kernel", [256, 1])
                return tf.matmul(tf.layers.flatten(v), spectral_norm(w))

    real_image = tf.placeholder(tf.float32, [None, 16, 16, 3], name="real_image")
    z = tf.placeholder(tf.float32, [None, 8], name="z")

    def generator(z, is_training, reuse=False):
        with tf.variable_scope("generator", reuse=reuse):
            v = tf.reshape(tf.layers.dense(z, 256), [-1, 4, 4, 16])
            for i in range(2):
                v = tf.layers.conv2d_transpose(v, [8, 3][i], 4, 2, "same", name=f"deconv{i}")
                if not i:
                    v = tf.layers.batch_normalization(v, training=is_training, name="bn")
                    v = tf.nn.relu(v)
            return tf.nn.tanh(v)

    fake = generator(z, True)
    real_logits, fake_logits = discriminator(real_image), discriminator(fake, True)
    d_loss = tf.reduce_mean(tf.nn.relu(1.0 - real_logits) + tf.nn.relu(1.0 + fake_logits))
    g_loss = -tf.reduce_mean(fake_logits)
    tf.train.AdamOptimizer(1e-4).minimize(d_loss, var_list=_scope(tf, "discriminator"))
    tf.train.AdamOptimizer(1e-4).minimize(g_loss, var_list=_scope(tf, "generator"))
    sampler = generator(z, False, True)
    return [[sampler, sampler.op.inputs[0]]]


def domain_translation(tf):
    """A CycleGAN whose uint8 images, decoded, go out of both directions."""
    real_A = tf.placeholder(tf.float32, [1, 32, 32, 3], name="real_A")
    real_B = tf.placeholder(tf.float32, [1, 32, 32, 3], name="real_B")

    def gen(x, name, reuse=False):
        with tf.variable_scope(name, reuse=reuse):
            v = tf.nn.relu(tf.layers.conv2d(x, 4, 7, 1, "same", name="c1"))
            v = tf.nn.relu(tf.layers.conv2d(v, 8, 3, 2, "same", name="c2"))
            v = v + tf.layers.conv2d(v, 8, 3, 1, "same", name="r1")
            v = tf.nn.relu(tf.layers.conv2d_transpose(v, 4, 3, 2, "same", name="d1"))
            return tf.nn.tanh(tf.layers.conv2d(v, 3, 7, 1, "same", name="pred"))

    def dis(x, name, reuse=False):
        with tf.variable_scope(name, reuse=reuse):
            v = tf.nn.leaky_relu(tf.layers.conv2d(x, 4, 4, 2, "same", name="h0"))
            return tf.layers.conv2d(v, 1, 4, 1, "same", name="h3_pred")

    fake_B = gen(real_A, "generatorA2B")
    fake_A_ = gen(fake_B, "generatorB2A")
    fake_A = gen(real_B, "generatorB2A", True)
    fake_B_ = gen(fake_A, "generatorA2B", True)
    da_fake, db_fake = dis(fake_A, "discriminatorA"), dis(fake_B, "discriminatorB")
    cyc = tf.reduce_mean(tf.abs(real_A - fake_A_)) + tf.reduce_mean(tf.abs(real_B - fake_B_))
    g_loss = tf.reduce_mean((da_fake - 1) ** 2) + tf.reduce_mean((db_fake - 1) ** 2) + 10 * cyc
    samples = [tf.placeholder(tf.float32, [1, 32, 32, 3], name=f"fake_{n}_sample") for n in "AB"]
    d_loss = 0.0
    for real, fake, n in ((real_A, samples[0], "A"), (real_B, samples[1], "B")):
        d_real = dis(real, "discriminator" + n, True)
        d_fake = dis(fake, "discriminator" + n, True)
        d_loss += tf.reduce_mean((d_real - 1) ** 2) + tf.reduce_mean(d_fake**2)
    test_A = tf.placeholder(tf.float32, [1, 32, 32, 3], name="test_A")
    test_B = tf.placeholder(tf.float32, [1, 32, 32, 3], name="test_B")
    testB = gen(test_A, "generatorA2B", True)
    testA = gen(test_B, "generatorB2A", True)
    tf.train.AdamOptimizer(2e-4).minimize(d_loss, var_list=_scope(tf, "discriminator"))
    tf.train.AdamOptimizer(2e-4).minimize(g_loss, var_list=_scope(tf, "generator"))
    return [[testB, testB.op.inputs[0]], [testA, testA.op.inputs[0]]]


def vae_with_samples(tf):
    """wiseodd's VAE: X_samples comes from z alone, after the training path."""
    X = tf.placeholder(tf.float32, shape=[None, 784])
    z = tf.placeholder(tf.float32, shape=[None, 10])
    Q_W1, Q_b1 = tf.Variable(tf.random_normal([784, 16])), tf.Variable(tf.zeros([16]))
    Q_W2_mu, Q_b2_mu = tf.Variable(tf.random_normal([16, 10])), tf.Variable(tf.zeros([10]))
    Q_W2_s, Q_b2_s = tf.Variable(tf.random_normal([16, 10])), tf.Variable(tf.zeros([10]))
    P_W1, P_b1 = tf.Variable(tf.random_normal([10, 16])), tf.Variable(tf.zeros([16]))
    P_W2, P_b2 = tf.Variable(tf.random_normal([16, 784])), tf.Variable(tf.zeros([784]))

    def P(z):
        h = tf.nn.relu(tf.matmul(z, P_W1) + P_b1)
        logits = tf.matmul(h, P_W2) + P_b2
        return tf.nn.sigmoid(logits), logits

    h = tf.nn.relu(tf.matmul(X, Q_W1) + Q_b1)
    z_mu, z_logvar = tf.matmul(h, Q_W2_mu) + Q_b2_mu, tf.matmul(h, Q_W2_s) + Q_b2_s
    z_sample = z_mu + tf.exp(z_logvar / 2) * tf.random_normal(shape=tf.shape(z_mu))
    _, logits = P(z_sample)
    X_samples, sample_logits = P(z)
    recon = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=X), 1)
    kl = 0.5 * tf.reduce_sum(tf.exp(z_logvar) + z_mu**2 - 1.0 - z_logvar, 1)
    tf.train.AdamOptimizer().minimize(tf.reduce_mean(recon + kl))
    return [[X_samples, sample_logits]]


def quantized_vae(tf):
    """VQ-VAE: codes looked up, gradients passed straight through."""
    x = tf.placeholder(tf.float32, [None, 16, 16, 3], "x")
    with tf.variable_scope("enc"):
        v = tf.nn.relu(tf.layers.conv2d(x, 8, 4, 2, "same"))
        z_e = tf.layers.conv2d(v, 6, 1, 1, "same")
    with tf.variable_scope("embed"):
        embeds = tf.get_variable("embed", [12, 6])
        distances = tf.norm(tf.expand_dims(z_e, -2) - embeds[None, None, None], axis=-1)
        k = tf.argmin(distances, axis=-1)
        z_q = tf.gather(embeds, k)
    with tf.variable_scope("dec"):
        straight = z_e + tf.stop_gradient(z_q - z_e)
        v = tf.nn.relu(tf.layers.conv2d(straight, 8, 3, 1, "same"))
        p_x_z = tf.layers.conv2d_transpose(v, 3, 4, 2, "same", activation=tf.nn.sigmoid)
    recon = tf.reduce_mean((p_x_z - x) ** 2)
    vq = tf.reduce_mean(tf.norm(tf.stop_gradient(z_e) - z_q, axis=-1) ** 2)
    commit = tf.reduce_mean(tf.norm(z_e - tf.stop_gradient(z_q), axis=-1) ** 2)
    tf.train.AdamOptimizer(2e-4).minimize(recon + vq + 0.25 * commit)
    return [[p_x_z], [k], [z_q]]


def real_nvp(tf):
    """A flow of affine couplings: trained on data, fetched backwards from noise."""
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    z_in = tf.placeholder(tf.float32, [None, 2], name="z")
    masks = [tf.constant([[float(i % 2), float(1 - i % 2)]]) for i in range(4)]

    def nets(i, v):
        with tf.variable_scope(f"coupling_{i}", reuse=tf.AUTO_REUSE):
            h = tf.layers.dense(v, 16, tf.nn.relu, name="h")
            s = tf.layers.dense(h, 2, tf.nn.tanh, name="s")
            return s, tf.layers.dense(h, 2, name="t")

    z, log_det = x, tf.zeros([tf.shape(x)[0]])
    for i in range(4):
        s, t = nets(i, masks[i] * z)
        s, t = s * (1 - masks[i]), t * (1 - masks[i])
        z = masks[i] * z + (1 - masks[i]) * (z - t) * tf.exp(-s)
        log_det -= tf.reduce_sum(s, axis=1)
    out = z_in
    for i in reversed(range(4)):
        s, t = nets(i, masks[i] * out)
        s, t = s * (1 - masks[i]), t * (1 - masks[i])
        out = masks[i] * out + (1 - masks[i]) * (out * tf.exp(s) + t)
    log_prob = -0.5 * tf.reduce_sum(z**2, axis=1) - 1.8379 + log_det
    tf.train.AdamOptimizer(1e-3).minimize(-tf.reduce_mean(log_prob))
    return [[out], [z]]


def painter_of_gaps(tf):
    """A context encoder: the gap is filled in, the rest stays."""
    images = tf.placeholder(tf.float32, [None, 32, 32, 3], name="images")
    masks = tf.placeholder(tf.float32, [None, 32, 32, 1], name="masks")
    incomplete = images * (1.0 - masks)
    with tf.variable_scope("inpaint_net"):
        v = tf.concat([incomplete, masks], 3)
        for i, n in enumerate((8, 16)):
            v = tf.nn.elu(tf.layers.conv2d(v, n, 3, 2, "same", name=f"conv{i}"))
        for i, n in enumerate((8, 4)):
            v = tf.nn.elu(tf.layers.conv2d_transpose(v, n, 3, 2, "same", name=f"up{i}"))
        v = tf.layers.conv2d(v, 3, 3, 1, "same", name="out")
        predicted = tf.clip_by_value(v, -1.0, 1.0)
    completed = predicted * masks + incomplete

    def disc(x, reuse):
        with tf.variable_scope("discriminator", reuse=reuse):
            v = tf.nn.leaky_relu(tf.layers.conv2d(x, 8, 5, 2, "same", name="c1"))
            return tf.layers.dense(tf.layers.flatten(v), 1, name="linear")

    pos, neg = disc(images, False), disc(completed, True)
    g_loss = tf.reduce_mean(tf.abs(images - predicted)) - 0.001 * tf.reduce_mean(neg)
    d_loss = tf.reduce_mean(tf.nn.relu(1 - pos)) + tf.reduce_mean(tf.nn.relu(1 + neg))
    tf.train.AdamOptimizer(1e-4).minimize(g_loss, var_list=_scope(tf, "inpaint_net"))
    tf.train.AdamOptimizer(1e-4).minimize(d_loss, var_list=_scope(tf, "discriminator"))
    return [[completed, predicted]]


def quick_style(tf):
    """Feed-forward style transfer, trained by a fixed network's features."""
    with tf.name_scope("input"):
        X = tf.placeholder(tf.float32, [4, 32, 32, 3], name="X_content")
    pre = X / 255.0
    v = pre
    for n, s in ((8, 1), (16, 2)):
        w = tf.Variable(tf.truncated_normal([3, 3, int(v.shape[-1]), n], stddev=0.1))
        v = tf.nn.conv2d(v, w, [1, s, s, 1], "SAME")
        mu, sigma = tf.nn.moments(v, [1, 2], keep_dims=True)
        v = tf.Variable(tf.ones([n])) * (v - mu) / (sigma + 1e-3) ** 0.5 + tf.Variable(
            tf.zeros([n])
        )
        v = tf.nn.relu(v)
    w = tf.Variable(tf.truncated_normal([3, 3, 3, 16], stddev=0.1))
    v = tf.nn.conv2d_transpose(v, w, [4, 32, 32, 3], [1, 2, 2, 1], "SAME")
    preds = tf.nn.tanh(v) * 150 + 255.0 / 2

    fixed = tf.constant(0.1, shape=[3, 3, 3, 8])

    def vgg(x):
        return tf.nn.relu(
            tf.nn.bias_add(tf.nn.conv2d(x - 117.0, fixed, [1, 2, 2, 1], "SAME"), [0.1] * 8)
        )

    content = tf.nn.l2_loss(vgg(preds) - vgg(X)) / 1000.0
    flat = tf.reshape(vgg(preds), [4, -1, 8])
    gram = tf.matmul(flat, flat, transpose_a=True) / 2048.0
    style = tf.nn.l2_loss(gram - tf.constant(0.5, shape=[8, 8]))
    tv = tf.nn.l2_loss(preds[:, 1:] - preds[:, :31]) + tf.nn.l2_loss(
        preds[:, :, 1:] - preds[:, :, :31]
    )
    tf.train.AdamOptimizer(1e-3).minimize(content + style + tv)
    return [[preds, v]]
