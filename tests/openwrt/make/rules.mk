# SPDX-License-Identifier: BSD-3-Clause
# Stands in for OpenWrt's rules.mk, with include/: enough to read the package's Makefile, to prepare its
# source and to install its files. OUT is where all that goes.
INCLUDE_DIR:=$(TOPDIR)/include
DL_DIR:=$(OUT)/dl
PKG_BUILD_DIR:=$(OUT)/build
PKG_INSTALL_DIR:=$(OUT)/installed
STAMP_PREPARED:=$(PKG_BUILD_DIR)/.prepared

INSTALL_DIR:=install -d -m 0755
INSTALL_BIN:=install -m 0755
INSTALL_DATA:=install -m 0644
INSTALL_CONF:=install -m 0600
CP:=cp -fpR
LN:=ln -sf
