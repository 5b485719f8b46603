/*
 * The page of a lab that still runs: news come as events from the server that gave the page, and what is pressed goes
 * there as commands. What the player does otherwise, the lab does here.
 */
(function (strata) {
    "use strict";

    const {app, byId, element} = strata;
    const SPEEDS = [0.001, 0.01, 0.1, 0.25, 0.5, 1, 2, 10, 100, 0];

    class Live {
        constructor(views) {
            this.views = views;
            this.state = {now: 0, running: false, over: false, speed: 1, actions: []};
            this.following = true;
            this.first = true;
            this.cost = 0;
            this.controls();
            this.refresh = () => this.show();
        }

        /** Other buttons than those of a page from disk. */
        controls() {
            for (const id of ["step-back", "step"])
                byId(id).hidden = true;
            this.play = byId("play");
            this.play.replaceWith(this.play = element("button", {id: "play", onclick: () =>
                this.command({do: this.state.running ? "pause" : "play"})}, "▶ play"));
            this.step = element("button", {id: "live-step", onclick: () => this.command({do: "step"})}, "step");
            this.play.after(this.step);
            const speed = byId("speed");
            speed.replaceWith(this.speed = element("select", {id: "speed", onchange: (event) =>
                this.command({do: "speed", value: Number(event.target.value)})}, SPEEDS.map((value) =>
                element("option", {value, selected: value === 1}, value ? "× " + value : "as fast as can be"))));
            this.follow = element("button", {id: "follow", "aria-pressed": "true", onclick: () =>
                this.setFollowing(!this.following)}, "follow");
            byId("live-tools").replaceChildren(this.follow, element("button", {id: "packets", onclick: () => {
                location.href = "packets.pcapng";
            }}, "packets"));
            byId("live-tools").hidden = false;
            byId("clock").addEventListener("input", () => this.setFollowing(false));
            this.hand = element("section", {class: "panel", id: "hand", hidden: true}, element("h2", {}, "Done by hand"),
                element("p", {class: "hint"}, "Put these lines under events: of the scenario, and the run is the same " +
                    "without hands."), element("pre", {class: "paste", id: "actions"}));
            byId("network").after(this.hand);
        }
        setFollowing(following) {
            this.following = following;
            this.follow.setAttribute("aria-pressed", String(following));
            this.tick();
        }

        async command(what) {
            try {
                const response = await fetch("do", {method: "POST", headers: {"Content-Type": "application/json"},
                    body: JSON.stringify(what)});
                if (!response.ok)
                    this.say((await response.text()).trim());
                else
                    this.say("");
            } catch (error) {
                this.say("The lab does not answer: it has ended.");
            }
        }
        say(words) {
            byId("trouble").hidden = !words;
            byId("trouble").textContent = words;
        }

        /** Listens. The first news are the beginning; after a break the page begins anew. */
        listen() {
            const source = new EventSource("events");
            source.addEventListener("open", () => {
                if (!this.first) { // another stream: it tells everything again
                    app.model = new strata.Model();
                    this.first = true;
                }
                this.say("");
            });
            source.addEventListener("news", (event) => {
                app.model.append(JSON.parse(event.data));
                this.due();
            });
            source.addEventListener("state", (event) => {
                this.state = JSON.parse(event.data);
                this.since = performance.now();
                this.showState();
            });
            source.addEventListener("error", () => {
                if (this.state.over)
                    source.close();
                this.state.running = false;
                this.say(this.state.over ? "The lab has ended; this is what it was at the end."
                    : "The lab does not answer. Trying again.");
            });
        }

        /** News are drawn as often as drawing them leaves the machine time for other things. */
        due() {
            if (this.planned)
                return;
            this.planned = true;
            setTimeout(() => requestAnimationFrame(this.refresh), this.first ? 0 : Math.max(60, this.cost * 3));
        }
        show() {
            this.planned = false;
            const begun = performance.now(), {sequence, plots} = this.views;
            const atEnd = sequence.box.scrollTop + sequence.box.clientHeight >= sequence.spacer.offsetHeight - 40;
            const wasAll = app.to >= (this.shown || 0);
            strata.showAll(this.views, this.first);
            if (wasAll)
                plots.showAll();
            this.shown = app.to;
            if (this.following && atEnd && !this.first)
                sequence.box.scrollTop = 1e9;
            if (this.first && app.model.frames.count === 0)
                app.talk = -1;
            this.first = false;
            this.cost = performance.now() - begun;
        }
        showState() {
            const {running, over, speed, actions} = this.state;
            this.play.textContent = running ? "❚❚ pause" : "▶ play";
            this.play.setAttribute("aria-pressed", String(running));
            this.play.disabled = this.step.disabled = this.speed.disabled = over;
            if (document.activeElement !== this.speed)
                this.speed.value = String(SPEEDS.includes(speed) ? speed : 1);
            this.hand.hidden = actions.length === 0;
            byId("actions").textContent = "events:\n" + actions.map((line) => "  " + line).join("\n");
            this.views.topology.details();
            this.tick();
        }

        /** The clock goes on between two messages, at the speed that the last one told. */
        now() {
            const passed = this.state.running && this.state.speed > 0
                ? (performance.now() - this.since) * 1e6 * this.state.speed : 0;
            return this.state.now + passed;
        }
        tick() {
            if (this.ticking)
                return;
            this.ticking = true;
            requestAnimationFrame(() => {
                this.ticking = false;
                const now = this.state.speed === 0 && this.state.running ? app.model.now || 0 : this.now();
                byId("clock-said").textContent = strata.seconds(this.following ? now : app.time) + " s" +
                    (this.state.over ? ", over" : this.state.running ? "" : ", paused");
                if (this.following)
                    app.set("time", now);
                if (this.state.running)
                    this.tick();
            });
        }

        /** What can be done to a node or a cable. */
        actions(kind, index) {
            const model = app.model, thing = kind === "node" ? model.nodes[index] : model.cables[index];
            const can = !this.state.over && (kind === "cable" || thing.kind === "host" || thing.kind === "router");
            if (!can)
                return element("p", {class: "actions"});
            const verb = kind === "cable" ? thing.up ? "cut" : "mend" : thing.down ? "restart" : "crash";
            return element("p", {class: "actions"}, element("button", {"data-verb": verb, onclick: () =>
                this.command({do: verb, name: thing.name})}, verb + " " + thing.name));
        }
    }

    strata.live = async function (views) {
        const live = new Live(views);
        strata.liveActions = (kind, index) => live.actions(kind, index);
        strata.lab = live;
        views.player.stop = () => null; // there is nothing to stop: the lab has its own clock
        views.player.show = () => {
            const scale = views.player.scale();
            byId("clock").value = scale.height ? Math.round(scale.y(app.time) / scale.height * 10000) : 0;
        };
        live.listen();
    };
})(globalThis.strata = globalThis.strata || {});
