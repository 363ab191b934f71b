// SPDX-License-Identifier: BSD-3-Clause
'use strict';
'require form';
'require fs';
'require network';

// The form of "option proto 'gwd'". Its names are those of /usr/share/gwd/uci.sh.

network.registerPatternVirtual(/^gwd-.+$/);
network.registerErrorCode('NO_DEVICE', _('The device is missing'));
network.registerErrorCode('NO_TUN', _('The kernel gives no TUN device'));
network.registerErrorCode('NAME_TOO_LONG', _('The name of the interface has more than 11 characters'));
network.registerErrorCode('PERMISSION_DENIED', _('Not permitted'));
network.registerErrorCode('INVALID_CONFIG', _('The configuration is not valid, see the system log'));
network.registerErrorCode('PIN_FAILED', _('The SIM wants a PIN, or refused this one'));
network.registerErrorCode('PUK_NEEDED', _('The SIM wants its PUK'));
network.registerErrorCode('NO_SIM', _('There is no SIM'));
network.registerErrorCode('REGISTRATION_DENIED', _('The network denied registration'));
network.registerErrorCode('APN_REJECTED', _('The network rejected the APN'));
network.registerErrorCode('DAEMON_FAILED', _('gwd ended unexpectedly, see the system log'));

function choice(s, tab, name, title, help, values) {
	const o = s.taboption(tab, form.ListValue, name, title, help);
	o.optional = true;
	o.value('', _('default'));
	for (const value in values)
		o.value(value, values[value]);
	return o;
}

// Serial ports that are there now; any other may be typed.
function loadPorts(section_id) {
	return L.resolveDefault(fs.list('/dev'), []).then(L.bind(function(entries) {
		for (const entry of entries)
			if (/^tty(USB|ACM|AMA|S)\d+$/.test(entry.name))
				this.value('/dev/' + entry.name);
		this.value('auto', _('USB, found by itself'));
		return form.Value.prototype.load.apply(this, [ section_id ]);
	}, this));
}

return network.registerProtocol('gwd', {
	getI18n: function() {
		return _('SIMCom A76XX (AT sockets)');
	},

	getIfname: function() {
		return this._ubus('l3_device') || 'gwd-%s'.format(this.sid);
	},

	getPackageName: function() {
		return 'gwd';
	},

	getOpkgPackage: function() {
		return 'gwd';
	},

	isFloating: function() {
		return true;
	},

	isVirtual: function() {
		return true;
	},

	getDevices: function() {
		return null;
	},

	containsDevice: function(ifname) {
		return (network.getIfnameOf(ifname) == this.getIfname());
	},

	renderFormOptions: function(s) {
		let o;

		o = s.taboption('general', form.Value, 'device', _('Modem device'),
			_('The port of the module that takes AT commands.'));
		o.rmempty = false;
		o.validate = function(section_id, value) {
			return /^(\/[^\s"]+|auto)$/.test(value) ? true : _('Expected a path, or auto');
		};
		o.load = loadPorts;

		o = s.taboption('general', form.Value, 'apn', _('APN'));
		o.validate = function(section_id, value) {
			return /^[A-Za-z0-9._-]*$/.test(value) ? true : _('Letters, digits, dot, dash and underscore');
		};

		o = s.taboption('general', form.Value, 'pincode', _('PIN'));
		o.datatype = 'and(uinteger,minlength(4),maxlength(8))';
		o.password = true;

		choice(s, 'general', 'auth', _('Authentication Type'), null,
			{ none: _('None'), pap: 'PAP', chap: 'CHAP' });

		o = s.taboption('general', form.Value, 'username', _('PAP/CHAP username'));
		o.depends('auth', 'pap');
		o.depends('auth', 'chap');

		o = s.taboption('general', form.Value, 'password', _('PAP/CHAP password'));
		o.depends('auth', 'pap');
		o.depends('auth', 'chap');
		o.password = true;

		choice(s, 'general', 'pdptype', _('IP type'), _('The module speaks one at a time.'),
			{ IP: 'IPv4', IPV6: 'IPv6' });

		o = s.taboption('advanced', form.Value, 'baud', _('Baud rate'), _('Of a UART; a USB port has none.'));
		o.datatype = 'uinteger';
		o.placeholder = '115200';
		for (const baud of [ '115200', '230400', '460800', '921600', '3000000' ])
			o.value(baud);

		choice(s, 'advanced', 'flow_control', _('Flow control'), null,
			{ none: _('None'), rtscts: 'RTS/CTS' });

		choice(s, 'advanced', 'receive', _('Receive mode'),
			_('How the module hands over what arrives; automatic suits nearly all.'),
			{ auto: _('automatic'), push: _('push'), buffer: _('buffer'), transparent: _('transparent: one connection at a time') });

		choice(s, 'advanced', 'dns_mode', _('DNS queries'), null,
			{ auto: _('automatic'), udp: 'UDP', tcp: 'TCP', modem: _('by the module itself') });

		o = s.taboption('advanced', form.Value, 'mtu', _('Override MTU'));
		o.datatype = 'range(576,9000)';
		o.placeholder = '1500';

		choice(s, 'advanced', 'loglevel', _('Log level'), null,
			{ error: _('error'), warn: _('warning'), info: _('info'), debug: _('debug'), trace: _('AT dialogue') });

		o = s.taboption('advanced', form.DynamicList, 'options', _('Further options'),
			_('section.key=value as in gwd.conf(5), for instance links.udp=3'));
		o.validate = function(section_id, value) {
			return value === '' || /^[a-z]+\.[a-z_]+=/.test(value) ? true : _('Expected section.key=value');
		};
	}
});
