# Numbers that tests/analysis pin. Re-run: Rscript tests/reference/survival.R > tests/reference/survival.csv
# R 4.2.2, survival 3.5-3, coin
suppressPackageStartupMessages({library(survival); library(coin)})
say <- function(key, value) cat(sprintf("%s,%.10g\n", key, value))
cat("key,value\n")
small <- data.frame(
  time = c(21,21,30,38,49,60,68,68,79,79,111,123,148,148,168,168,173,173,183,236,257,275,297,322,322,382,420,466,527,615,788,
           184,206,256,492,655),
  death = c(1,0,0,1,1,0,1,1,1,1,0,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,0, 1,1,1,1,0),
  sirt = c(rep(0,31), rep(1,5)))
for (set in list(list("aml", transform(aml, death = status, sirt = as.integer(x == "Nonmaintained"))), list("small", small))) {
  name <- set[[1]]; d <- set[[2]]
  efron <- coxph(Surv(time, death) ~ sirt, d, ties = "efron")
  say(paste0(name, ".efron.coef"), coef(efron)); say(paste0(name, ".efron.se"), sqrt(vcov(efron)))
  say(paste0(name, ".logrank.chi2"), survdiff(Surv(time, death) ~ sirt, d)$chisq)
  exact <- logrank_test(Surv(time, death) ~ factor(sirt), d, distribution = exact(), ties.method = "mid-ranks")
  say(paste0(name, ".exact.p"), pvalue(exact))
}
# SIRT given on day 105: time-varying exposure, and its score test (Mantel-Byar)
for (day in c(60, 105, 150, 180)) {
  late <- small$sirt == 1
  split <- rbind(
    data.frame(start = 0, stop = small$time[!late], death = small$death[!late], sirt = 0),
    data.frame(start = 0, stop = rep(day, sum(late)), death = 0, sirt = 0),
    data.frame(start = day, stop = small$time[late], death = small$death[late], sirt = 1))
  varying <- coxph(Surv(start, stop, death) ~ sirt, split, ties = "efron")
  say(paste0("small.varying.", day, ".hr"), exp(coef(varying)))
  say(paste0("small.varying.", day, ".score_breslow"), coxph(Surv(start, stop, death) ~ sirt, split, ties = "exact")$score)
  kept <- subset(small, time >= day)
  say(paste0("small.landmark.", day, ".hr"), exp(coef(coxph(Surv(time - day, death) ~ sirt, kept, ties = "efron"))))
  say(paste0("small.landmark.", day, ".n"), nrow(kept))
}
