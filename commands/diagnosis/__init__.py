"""The checks of `nervesys doctor`, one module a subject: each judges plain values, and a thin probe collects them."""
