# SPDX-License-Identifier: BSD-3-Clause
"""A small world for gwd: two network namespaces, a simulated modem, and servers behind it."""
