# SPDX-License-Identifier: BSD-3-Clause
all:

define Download
  $(eval $(Download/$(1)))
  $$(DL_DIR)/$$(FILE):
	@echo "download $(URL)/$(FILE) $(HASH)"
	@mkdir -p $(DL_DIR) && touch "$$@"
endef

define BuildPackage
  $(eval $(Package/$(1)))
  metadata:
	@echo "package $(1) $(PKG_VERSION)-$(PKG_RELEASE)"
	@echo "title $(TITLE)"
	@echo "depends $(DEPENDS)"
	@echo "cmake $(CMAKE_OPTIONS)"
  prepare: $(STAMP_PREPARED)
  $(STAMP_PREPARED):
	$(Build/Prepare)
  install:
	$(call Package/$(1)/install,$(OUT)/root)
endef
