// SPDX-License-Identifier: BSD-3-Clause
// Runs LuCI's protocol file with stand-ins for LuCI, and holds it against the netifd handler: each
// option of the one is a parameter of the other, each error code of the handler has its text. With
// --values: prints each choice of each list as "NAME VALUE", for gwd to check.
//
// usage: node luci.js [--values]   in the top of the tree; "ok ..." and "not ok ..." a line
'use strict';
const fs = require('fs');
const package_ = 'packaging/openwrt/';
const source = fs.readFileSync(package_ + 'luci-proto-gwd/htdocs/luci-static/resources/protocol/gwd.js', 'utf8');
const handler = fs.readFileSync(package_ + 'gwd/files/lib/netifd/proto/gwd.sh', 'utf8');
const uci = fs.readFileSync(package_ + 'gwd/files/usr/share/gwd/uci.sh', 'utf8');

let bad = 0;
function check(what, ok, why) {
	console.log((ok ? 'ok luci: ' : 'not ok luci: ') + what + (ok ? '' : ': ' + why));
	bad += ok ? 0 : 1;
}
function same(what, a, b) {
	const left = [...a].filter(x => !b.includes(x)), right = [...b].filter(x => !a.includes(x));
	check(what, left.length + right.length === 0, `only here ${left}; only there ${right}`);
}

// -- LuCI

class Value {
	constructor(name) {
		this.name = name;
		this.values = [];
	}
	value(v) { this.values.push(v); }
	depends() {}
	load(section) { return section; }
}
const form = { Value, ListValue: class extends Value {}, Flag: class extends Value {}, DynamicList: class extends Value {} };
const options = {}, errors = [], patterns = [];
const network = {
	registerPatternVirtual: p => patterns.push(p),
	registerErrorCode: code => errors.push(code),
	registerProtocol: (name, protocol) => Object.assign(protocol, { name, sid: 'wan', _ubus: () => null }),
	getIfnameOf: name => name,
};
const files = { list: () => Promise.resolve([ { name: 'ttyUSB2' }, { name: 'null' } ]) };
const L = { resolveDefault: promise => promise, bind: (f, self) => f.bind(self) };
String.prototype.format = function(...args) {
	return this.replace(/%s/g, () => args.shift());
};
const protocol = new Function('form', 'fs', 'network', 'L', '_', source)(form, files, network, L, text => text);
protocol.renderFormOptions({
	taboption(tab, type, name) {
		if (!['general', 'advanced'].includes(tab) || typeof type !== 'function' || options[name])
			throw new Error(`option ${name} in tab ${tab}`);
		return options[name] = new type(name);
	}
});

// -- the handler

const rows = uci.match(/^[a-z_]+:[a-z]+:.*$/gm).map(x => x.split(':'));
if (process.argv[2] === '--values') {
	for (const [name, , key] of rows)
		for (const value of options[name].values)
			if (key && value)
				console.log(`${key}=${value}`);
	process.exit(0);
}
same('the options are the parameters of the handler', Object.keys(options), [...rows.map(x => x[0]), 'options']);
const codes = [...handler.matchAll(/(?:gwd_hopeless|gwd_later|proto_notify_error) "\$\w+" ([A-Z_]+)/g)].map(x => x[1]);
same('each error of the handler has its text', errors, [...new Set(codes)]);
check('the protocol is gwd', protocol.name === 'gwd' && protocol.getIfname() === 'gwd-wan', protocol.name);
check('its device is virtual', patterns.some(p => p.test('gwd-wan')) && protocol.isVirtual(), '');
check('a bad APN is refused', options.apn.validate('wan', 'a"b') !== true && options.apn.validate('wan', 'a.b-c') === true, '');
check('a device is a path', options.device.validate('wan', 'ttyUSB2') !== true &&
	options.device.validate('wan', '/dev/ttyUSB2') === true && options.device.validate('wan', 'auto') === true, '');
check('a further option is an assignment', options.options.validate('wan', 'links.udp=3') === true &&
	options.options.validate('wan', 'links') !== true, '');
options.device.load('wan').then(() => {
	same('the ports of the machine are offered', options.device.values, [ '/dev/ttyUSB2', 'auto' ]);
	process.exit(bad ? 1 : 0);
});
