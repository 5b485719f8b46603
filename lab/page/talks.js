/*
 * The list of conversations, of which one is shown in the diagram.
 */
(function (strata) {
    "use strict";

    const {app, byId, element} = strata;
    const SHOWN = 200;

    class Talks {
        constructor() {
            this.list = byId("talks");
            byId("talk-filter").addEventListener("input", () => this.load());
            this.list.addEventListener("keydown", (event) => this.key(event));
        }
        load() {
            const model = app.model, filter = byId("talk-filter").value.trim().toLowerCase();
            const rows = model.conversations.map((c, i) => ({c, i})).filter(({c}) => c && c.frames.length > 0 && (!filter ||
                (c.kind + " " + strata.conversationName(model, c)).toLowerCase().includes(filter)));
            rows.sort((a, b) => a.c.first - b.c.first || a.i - b.i);
            this.order = [-1, ...rows.slice(0, SHOWN).map(({i}) => i)];
            this.list.replaceChildren(...this.order.map((i) => this.entry(i)));
            if (rows.length > SHOWN)
                this.list.append(element("li", {class: "hint", role: "presentation"},
                    strata.count(rows.length - SHOWN) + " more: filter them"));
        }
        entry(i) {
            const model = app.model, c = model.conversations[i], chosen = app.talk === i;
            const attributes = {role: "option", "aria-selected": String(chosen), id: "talk-" + i,
                onclick: () => app.set("talk", i)};
            if (chosen)
                this.list.setAttribute("aria-activedescendant", "talk-" + i);
            if (!c)
                return element("li", attributes, "Everything", element("small", {}, strata.count(model.frames.count) +
                    " frames on all cables"));
            const kind = element("span", {class: "kind"}, c.kind);
            const look = {TCP: "data", ARP: "arp", DHCP: "dhcp", DNS: "dns", ICMP: "icmp"}[c.kind] || "udp";
            kind.style.color = "var(--" + look + ")";
            return element("li", attributes, kind, " " + strata.conversationName(model, c),
                element("small", {}, strata.seconds(c.first, 3) + " s · " + strata.count(c.journeys.length) +
                    (c.journeys.length === 1 ? " datagram" : " datagrams") +
                    (c.bytes ? " · " + strata.amount(c.bytes) : ""),
                c.lost ? element("span", {class: "bad"}, " · " + strata.count(c.lost) + " lost") : null));
        }
        key(event) {
            const by = {ArrowDown: 1, ArrowUp: -1}[event.key];
            if (!by)
                return;
            event.preventDefault();
            const at = this.order.indexOf(app.talk);
            app.set("talk", this.order[Math.max(0, Math.min(this.order.length - 1, at + by))]);
        }
        chosen() {
            for (const entry of this.list.children)
                entry.setAttribute("aria-selected", String(entry.id === "talk-" + app.talk));
            this.list.setAttribute("aria-activedescendant", "talk-" + app.talk);
            const entry = byId("talk-" + app.talk);
            if (entry)
                entry.scrollIntoView({block: "nearest"});
        }
    }

    strata.Talks = Talks;
})(globalThis.strata = globalThis.strata || {});
