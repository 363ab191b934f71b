#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The package test of OpenWrt's CI: PACKAGE VERSION.
case $1 in
gwd) gwd --version | grep -F "$2" && gwctl --version | grep -F "$2" ;;
esac
