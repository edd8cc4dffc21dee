"""What was known when: price adjustment, look-back blocks and detectors of look-ahead.

What belongs here: pure functions on frames that any stage may use to stay within the knowledge of a date. What does
not: features, labels or any other value that is traded on.
"""
