# Recipes are one line, their logic is Rust (xtask/). Variables go on by the environment: make sim SEEDS=100 BUG=lost-timer
XTASK = cargo run -q -p xtask --

.PHONY: up demo test check tidy sim bench pages web-dev shots

up:
	@$(XTASK) up $(ARGS)
demo:
	@$(XTASK) demo
test:
	@$(XTASK) test
check:
	@$(XTASK) check
tidy:
	@$(XTASK) tidy
sim:
	@$(XTASK) sim
bench:
	@$(XTASK) bench
pages:
	@$(XTASK) pages
web-dev:
	@$(XTASK) pages --dev
shots:
	@$(XTASK) pages --shots
