/*
 * Puts the page together: reads the record that lies in it (or listens to the lab that serves it), makes the views, and
 * tells each what it has to hear.
 */
(function (strata) {
    "use strict";

    const {app, byId} = strata;

    function complain(error) {
        byId("trouble").hidden = false;
        byId("trouble").textContent = "This page cannot be shown: " + error.message;
    }
    strata.complain = complain;

    function connect(views) {
        const {sequence, plots, windows, inspector, happened, topology, player, talks} = views;
        app.on("talk", () => {
            talks.chosen();
            sequence.load();
            sequence.box.scrollTop = 0;
            plots.chosen();
            player.show();
            if (byId("event-filter").value === "talk")
                happened.load();
        });
        app.on("frame", () => {
            inspector.show();
            if (app.frame >= 0) {
                sequence.reveal(app.frame);
                app.set("time", app.model.frames.sent[app.frame]);
            }
            sequence.draw();
            happened.follow();
        });
        app.on("time", () => {
            player.show();
            topology.moment();
            windows.draw();
            sequence.draw();
            plots.point();
        });
        app.on("range", () => plots.follow());
        app.on("transfer", () => windows.draw());
        app.on("viewport", () => {
            app.view = sequence.viewport();
            plots.point();
        });
    }

    /** Light or dark, and paper, which is always light. */
    function theme(views) {
        const again = () => {
            strata.forgetColours();
            views.sequence.draw();
            views.plots.retheme();
        };
        matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
        window.addEventListener("beforeprint", () => {
            strata.forgetColours();
            views.sequence.forPrint();
            views.happened.forPrint();
            views.plots.forPrint(680);
        });
        window.addEventListener("afterprint", () => {
            strata.forgetColours();
            byId("sequence-print").replaceChildren();
            byId("events-print").replaceChildren();
            views.plots.resize();
            views.sequence.draw();
        });
    }

    /** Shows all that is known now; for a lab that runs, again and again. */
    strata.showAll = function (views, first) {
        const model = app.model;
        strata.showHead();
        views.topology.load();
        views.talks.load();
        if (first)
            app.talk = firstTalk(model);
        views.sequence.load();
        views.plots.offer();
        if (first) {
            const c = model.conversations[views.plots.talk];
            views.plots.side = c ? strata.senderOf(model, c) : 0;
        }
        views.plots.load();
        if (first)
            views.plots.showAll();
        views.happened.load();
        strata.showTables();
        views.talks.chosen();
        views.topology.details();
        app.view = views.sequence.viewport();
        views.plots.redraw();
        views.player.show();
        views.windows.draw();
    };

    /** Few frames are shown all together; of many, the busiest conversation of TCP. */
    function firstTalk(model) {
        if (model.frames.count <= 400 || model.conversations.length < 2)
            return model.conversations.length === 1 ? 0 : -1;
        let best = -1;
        model.conversations.forEach((c, i) => {
            if (c && c.kind === "TCP" && (best < 0 || c.bytes > model.conversations[best].bytes))
                best = i;
        });
        return best;
    }

    /** What the address asks for behind its #, as in #only=diagram&talk=tcp&mode=ends&time=4.2: for pictures and links. */
    function asked(views) {
        const wish = new URLSearchParams(location.hash.slice(1)), {sequence, plots} = views;
        const only = byId(wish.get("only") || "");
        if (only && only.classList.contains("panel")) {
            document.body.classList.add("only");
            only.classList.add("only-this");
        }
        const talk = wish.get("talk") === "tcp" ? plots.talk : Number(wish.get("talk") || NaN);
        if (app.model.conversations[talk])
            app.set("talk", talk);
        if (wish.get("mode") === "ends")
            sequence.choose("mode", "ends");
        if (wish.get("scale") === "linear")
            sequence.choose("readable", false);
        if (wish.has("zoom"))
            wish.get("zoom") === "fit" ? sequence.fit() : sequence.zoomBy(Number(wish.get("zoom")) || 1);
        const frame = Number(wish.get("frame") || NaN);
        if (frame >= 1 && frame <= app.model.frames.count)
            app.set("frame", frame - 1);
        if (wish.has("time")) {
            app.set("time", (Number(wish.get("time")) || 0) * 1e9);
            sequence.box.scrollTop = Math.max(0, sequence.place(app.time) - 40);
        }
    }

    function begin() {
        const sequence = new strata.Sequence(), plots = new strata.Plots();
        const views = {sequence, plots, windows: new strata.Windows(plots), inspector: new strata.Inspector(sequence),
            happened: new strata.Happened(), topology: new strata.Topology(), player: new strata.Player(sequence),
            talks: new strata.Talks()};
        strata.views = views;
        app.model = new strata.Model();
        connect(views);
        theme(views);
        const text = byId("record").textContent.trim();
        if (text === "" && strata.live) {
            strata.live(views).catch(complain);
            return;
        }
        app.model.append(JSON.parse(text));
        byId("record").remove(); // it is unpacked, and large
        app.to = app.model.now;
        strata.showAll(views, true);
        asked(views);
    }

    if (typeof document !== "undefined")
        try {
            begin();
        } catch (error) {
            complain(error);
            throw error;
        }
})(globalThis.strata = globalThis.strata || {});
