"""Words that a question is not looked up by: articles, pronouns, prepositions, auxiliaries and question words.

Closed classes only, and few of them. Longer published lists hold words such as "years", "number" and "first", and
leaving those out cost 3 to 4 points of recall at rank 1 in Spanish. English has its own list beside its analysis.
"""

STOPWORDS: dict[str, frozenset[str]] = {
    code: frozenset(words.split())
    for code, words in {
        "ar": """
            من في على إلى عن مع ما ماذا متى أين كيف كم هل لماذا أي أية هو هي هم كان كانت يكون تكون الذي
            التي الذين هذا هذه ذلك تلك و أو أن إن لا لم لن قد ثم بعد قبل بين كل عند حتى التى الى او ان
            """,
        "cs": """
            a aby ale ani ať až bez být byl byla byli bylo byly co což čí do ho i jak jaká jaké jaký je
            jeho její jejich jen ještě ji jsem jsi jsme jsou jste k kam kde kdo kdy když ke která které
            který kolik má mají mezi na nad ne nebo o od po pod podle pro proč proto před při s se si ta
            tak také ten tento to u v ve z za ze že
            """,
        "da": """
            af alle at blev bliver da de dem den denne der deres det dette dig din du efter ej eller en
            end er et for fra ham han hans har havde hendes her hos hun hvad hvem hvilke hvilken hvilket
            hvis hvor hvordan hvorfor hvornår i ikke ind jeg kan man med mange men mig min ned nu når og
            også om op over på sig sin skal som til ud under var ved vi vil være
            """,
        "de": """
            aber alle als am an auch auf aus bei beim bin bis da das dass dem den denn der des die dies
            diese diesem diesen dieser dieses doch du durch ein eine einem einen einer eines er es für gab
            gibt haben hat hatte hatten ich ihm ihn ihr ihre ihrem ihren ihrer im in ist ja kann können
            man mich mir mit nach nicht noch nur ob oder ohne sein seine seinem seinen seiner sich sie
            sind so über um und uns unter vom von vor wann war waren warum was wegen welche welchem
            welchen welcher welches wem wen wenn wer werden wessen wie wieso wieviel wir wird wo wodurch
            woher wohin womit woran worin wozu wurde wurden zu zum zur zwischen
            """,
        "es": """
            a al ante así como cómo con cual cuál cuales cuáles cuando cuándo cuanta cuánta cuantas
            cuántas cuanto cuánto cuantos cuántos de del desde donde dónde durante e el él ella ellas
            ellos en entre era eran es esa esas ese eso esos esta está están estas este esto estos estaba
            estaban fue fueron ha había habían han hasta hay la las le les lo los más me mi muy ni no nos
            o para pero por porque qué que quien quién quienes quiénes se sea según ser si sí sin sobre
            son su sus también te tiene tienen tu tuvo u un una uno unos unas y ya yo
            """,
        "fi": """
            ei eivät että hän he ja jo joka jos kanssa ketkä kuin kuinka kuka kun mihin mikä miksi milloin
            missä mistä mitä miten mitkä mutta myös ne niin ole oli olivat on ovat se sen siitä sitä tai
            tämä tässä vai
            """,
        "fr": """
            a à afin ai au aussi aux avait avaient avec c ce cela ces cet cette combien comment d dans de
            des dont du elle elles en entre est et été était étaient être eu fait fut furent il ils j je l
            la le les leur leurs lors lui m mais me même mes moi mon n ne nous on ont ou où par pas
            pendant plus pour pourquoi qu quand que quel quelle quelles quels qui quoi s sa sans se ses si
            son sont sous sur t ta te tes toi ton tous tout très tu un une va vers vous y
            """,
        "it": """
            a ad agli ai al alla alle allo anche c che chi ci come con cosa cui da dagli dai dal dalla
            dalle dallo de degli dei del dell della delle dello di dopo dove durante e è ed era erano
            essere fu furono fra gli ha hanno i il in io l la le lei lo loro lui ma mi ne negli nei nel
            nella nelle nello noi non o per perché più qual quale quali quando quanta quante quanti quanto
            quella quelle quelli quello questa queste questi questo se si sia sono stata stati stato su
            sua sue sugli sui sul sulla sulle sullo suo suoi tra tu un una uno vi voi
            """,
        "ja": """
            です ます した この その どの どこ だれ いつ なに なぜ 何で 何が すか ので から まで とは
            """,
        "nl": """
            aan al als bij daar dan dat de der deze die dit door dus een en er ge had hadden heb hebben
            heeft hem het hij hoe hoeveel hun ik in is je kan maar me met mij na naar niet nog nu of om
            omdat onder ons ook op over te tegen toch toen tot uit van vanaf veel voor waar waarom waren
            wanneer was wat welk welke werd werden wie wij word worden wordt zal ze zich zij zijn zo zou
            """,
        "no": """
            alle at av ble blir da de dem den denne der deres det dette du eller en enn er et etter for
            fra ga ham han hans har hadde hennes her hos hun hva hvem hvilke hvilken hvilket hvis hvor
            hvordan hvorfor i ikke jeg kan man med men meg min mot når nå og også om opp over på seg sin
            skal som til ut var ved vi vil være
            """,
        "pl": """
            a aby ale bez był była było były być ci co czy czym dla do gdy gdzie go i ich ile im jak jaka
            jaki jakie jakim jako je jego jej jest kiedy kim kto która które którego której który których
            którym którzy lub ma mają mnie na nad nie niż o od oraz po pod podczas przed przez przy się są
            skąd ta tak te tego tej ten to tu tych tym u w we z za ze że żeby dlaczego
            """,
        "pt": """
            a à ante ao aos as às até com como da das de dela dele deles depois do dos durante e é ela
            elas ele eles em entre era eram essa esse esta está estão este eu foi foram há isso isto já
            lhe mais mas me mesmo meu minha na nas não no nos o onde os ou para pela pelas pelo pelos por
            porque porquê qual quais quando quanta quantas quanto quantos que quê quem se sem ser seu seus
            sido só sob sobre sua suas são também te tem têm tinha um uma umas uns você
            """,
        "ru": """
            а без бы был была были было быть в вам вас во вот все всё вы где да для до его ее её если есть
            еще ещё же за и из или им их к как какая какие какого какое какой какую каким каких когда кого
            кому ко которая которого которое которой которые который которых которую кто ли мы на над не
            него нее неё нет ни но о об он она они оно от откуда по под почему при про с сколько со так
            такое также там то того том тот у чего чей чем что чтобы эта эти это этого этой этом этот я
            являлась является являлся являются
            """,
        "sv": """
            alla att av blev blir bli de dem den denna deras dess det detta dig din du där då efter ej
            eller en er ett från för ha hade han hans har henne hennes hon honom hos hur i icke in inte
            jag kan man med mellan men mig min mot mycket när nu och om oss på samt sig sin ska skall som
            så till under upp ut utan vad var varför varifrån vart vem vems vi vid vilka vilken vilket
            vilkas är över
            """,
        "tr": """
            acaba ama bir bu böyle çok da daha de değil diye gibi hangi hangisi hem için ile ise kaç kadar
            ki kim kime kimin mı mi mu mü nasıl ne neden nedir nerede nereden nereye nın niçin niye o ona
            onlar onun olan olarak oldu olduğu olur olmuştur şu ve veya ya yani zaman
            """,
        "uk": """
            а або але без би був була були було бути в вам вас ви від він вона вони воно все для до дуже є
            ж за з зі і із й його її їх к коли кого кому куди лише ми між на над не неї ним них ні о об по
            під після при про скільки та так також там те ти то того тому той у хто це цей ця ці чи чий
            чим чого чому що щоб як яка яке який якого якої які яким яких якою яку я
            """,
        "zh": """
            什么 甚麼 多少 哪些 哪个 哪個 哪里 哪裡 哪一 几个 怎么 怎样 如何 为什 為什 是谁 是誰 是什 请问 有哪 了什
            的是
            """,
    }.items()
}
"""ISO 639-1 code → words, casefolded; of Chinese and Japanese the pairs of characters that stand for words there."""
