# Numbers that tests/analysis/statistics/test_reference_numbers.py pins. Each line names the call that gives it.
# Run: Rscript tests/reference/reference_numbers.R > tests/reference/reference_numbers.csv    (R 4.2.2, survival 3.5-3)
suppressPackageStartupMessages(library(survival))
say <- function(key, value) cat(sprintf("%s,%.10g\n", key, value))
cat("key,value\n")
i <- 1:72
spss <- data.frame(time = 20 + (37 * i) %% 500, death = as.integer(!(i %% 10 %in% c(1, 4, 7))),
  group = ifelse(i %% 2 == 1, 1, 2), age = 40 + (11 * i) %% 41)
freireich <- data.frame(
  time = c(1,1,2,2,3,4,4,5,5,8,8,8,8,11,11,12,12,15,17,22,23, 6,6,6,6,7,9,10,10,11,13,16,17,19,20,22,23,25,32,32,34,35),
  death = c(rep(1, 21), 1,1,1,0,1,0,1,0,0,1,1,0,0,0,1,1,0,0,0,0,0), group = rep(1:2, each = 21))
sets <- list(
  aml = data.frame(time = aml$time, death = aml$status, group = ifelse(aml$x == "Maintained", 1, 2)),
  lung = data.frame(time = lung$time, death = as.integer(lung$status == 2), group = lung$sex, age = lung$age),
  spss = spss, freireich = freireich)
for (name in names(sets)) {
  d <- sets[[name]]; y <- Surv(d$time, d$death)
  # survfit(Surv(time, death) ~ group, conf.type = type)
  for (type in c("plain", "log", "log-log", "logit")) {
    q <- quantile(survfit(y ~ group, d, conf.type = type), 0.5)
    for (g in 1:2) {
      if (type == "plain") say(sprintf("%s.%d.median", name, g), q$quantile[g])
      say(sprintf("%s.%d.%s.lower", name, g, type), q$lower[g]); say(sprintf("%s.%d.%s.upper", name, g, type), q$upper[g])
    }
  }
  # summary(survfit(...), rmean = "individual")$table
  own <- summary(survfit(y ~ group, d), rmean = "individual")$table
  for (g in 1:2) { say(sprintf("%s.%d.mean", name, g), own[g, "rmean"]); say(sprintf("%s.%d.mean.se", name, g), own[g, "se(rmean)"]) }
  # survdiff(Surv(time, death) ~ group), rho = 0 and rho = 1 (Peto)
  test <- survdiff(y ~ group, d)
  say(paste0(name, ".logrank.chi2"), test$chisq); say(paste0(name, ".logrank.p"), pchisq(test$chisq, 1, lower.tail = FALSE))
  say(paste0(name, ".rho1.chi2"), survdiff(y ~ group, d, rho = 1)$chisq)
  # coxph(Surv(time, death) ~ group [+ age], ties = ties)
  right <- if ("age" %in% names(d)) "group + age" else "group"
  for (ties in c("efron", "breslow", "exact")) {
    fit <- coxph(as.formula(paste("y ~", right)), d, ties = ties)
    for (term in names(coef(fit))) {
      say(sprintf("%s.%s.%s", name, ties, term), coef(fit)[[term]])
      say(sprintf("%s.%s.%s.se", name, ties, term), sqrt(diag(as.matrix(vcov(fit))))[match(term, names(coef(fit)))])
    }
    say(sprintf("%s.%s.lrt", name, ties), 2 * diff(fit$loglik)); say(sprintf("%s.%s.score", name, ties), fit$score)
    say(sprintf("%s.%s.minus2ll0", name, ties), -2 * fit$loglik[1]); say(sprintf("%s.%s.minus2ll", name, ties), -2 * fit$loglik[2])
  }
}
# summary(survfit(Surv(time, death) ~ group), rmean = tau)$table
restricted <- function(name, d, tau) {
  table <- summary(survfit(Surv(time, death) ~ group, d), rmean = tau)$table
  for (g in 1:2) { say(sprintf("%s.%d.rmst", name, g), table[g, "rmean"]); say(sprintf("%s.%d.rmst.se", name, g), table[g, "se(rmean)"]) }
}
restricted("aml", sets$aml, 30)
restricted("lung", sets$lung, 365)
restricted("spss.common", sets$spss, max(sets$spss$time))
p <- pbc[1:312, ]
restricted("pbc", data.frame(time = p$time / 365.25, death = as.integer(p$status == 2), group = p$trt), 10)
# wilcox.test: Mann-Whitney 5 against 31 with U = 20, then with ties; signed rank with zeros dropped
x <- c(27.5, 27.6, 27.7, 27.8, 27.9); y <- 1:31
say("mw.exact", wilcox.test(x, y, exact = TRUE)$p.value)
say("mw.asymptotic", wilcox.test(x, y, exact = FALSE, correct = FALSE)$p.value)
say("mw.corrected", wilcox.test(x, y, exact = FALSE, correct = TRUE)$p.value)
x <- c(3, 5, 5, 8, 9); y <- c(1, 2, 2, 4, 5, 6, 7, 3, 0, 1)
say("mw.ties.asymptotic", wilcox.test(x, y, exact = FALSE, correct = FALSE)$p.value)
say("mw.ties.corrected", wilcox.test(x, y, exact = FALSE, correct = TRUE)$p.value)
ranks <- rank(c(x, y)); sums <- combn(ranks, 5, sum)  # every allocation, as exactRankTests::perm.test
say("mw.ties.permutation", mean(abs(sums - mean(sums)) >= abs(sum(ranks[1:5]) - mean(sums)) - 1e-9))
d <- c(0, 1, 1, -2, 3, 4, 5, -1, 6, 8)
say("sr.asymptotic", wilcox.test(d[d != 0], exact = FALSE, correct = FALSE)$p.value)
say("sr.corrected", wilcox.test(d[d != 0], exact = FALSE, correct = TRUE)$p.value)
# Simon-Makuch: survfit(Surv(start, stop, death) ~ exposed) of the reconstructed example, SIRT on day 105
small <- data.frame(
  time = c(21,21,30,38,49,60,68,68,79,79,111,123,148,148,168,168,173,173,183,236,257,275,297,322,322,382,420,466,527,615,788,
           184,206,256,492,655),
  death = c(1,0,0,1,1,0,1,1,1,1,0,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,0, 1,1,1,1,0), sirt = c(rep(0, 31), rep(1, 5)))
late <- small$sirt == 1
split <- rbind(data.frame(start = 0, stop = small$time[!late], death = small$death[!late], sirt = 0),
  data.frame(start = 0, stop = rep(105, 5), death = 0, sirt = 0),
  data.frame(start = 105, stop = small$time[late], death = small$death[late], sirt = 1))
curve <- summary(survfit(Surv(start, stop, death) ~ sirt, split))
for (k in seq_along(curve$time)) {
  side <- sub("sirt=", "", as.character(curve$strata[k]))
  say(sprintf("sm.%s.%d.survival", side, curve$time[k]), curve$surv[k])
  say(sprintf("sm.%s.%d.at_risk", side, curve$time[k]), curve$n.risk[k])
}
