"""Two CPUs for TensorFlow's strategies, asked for before it makes anything."""

import keras

if keras.config.backend() == "tensorflow":
    import tensorflow as tf

    (_cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(_cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
