"""What was known when: price adjustment, look-back blocks and detectors of look-ahead.

What lives here: pure functions on frames that any stage uses to stay within what was known on a date. What not:
features, labels and other values that are traded on.
"""
